/* Swagger UI over the reader's document, and an API session of his own to try requests out with. */
(() => {
  "use strict";
  const place = document.getElementById("viewer");
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const follow = () => document.documentElement.classList.toggle("dark-mode", dark.matches);
  dark.addEventListener("change", follow);
  follow();

  const ui = SwaggerUIBundle({
    url: place.dataset.document,
    domNode: place,
    deepLinking: true,
    filter: true,
    docExpansion: place.dataset.alone ? "list" : "none",
    defaultModelsExpandDepth: -1,
    defaultModelRendering: "example",
    displayRequestDuration: true,
    persistAuthorization: false,
    validatorUrl: null,
    presets: [SwaggerUIBundle.presets.apis],
    layout: "BaseLayout",
  });

  const button = document.getElementById("session");
  if (!button) return;
  button.addEventListener("click", async () => {
    button.disabled = true;
    const said = document.getElementById("session-said");
    const answer = await fetch(button.dataset.at, {
      method: "POST",
      headers: { "X-CSRFToken": button.dataset.token },
    });
    if (answer.ok) {
      ui.preauthorizeApiKey("session", (await answer.json()).SessionID);
      said.textContent = "Requests are now sent in a session of yours.";
    } else {
      button.disabled = false;
      said.textContent = "No session could be opened; load the page again.";
    }
  });
})();
