/* Redoc over the reader's document, light or dark as his system is. */
(() => {
  "use strict";
  const place = document.getElementById("viewer");
  const dark = matchMedia("(prefers-color-scheme: dark)").matches;
  const colours = {
    primary: { main: "#8ab4f8" },
    text: { primary: "#e5e9f0", secondary: "#9aa5b4" },
    border: { dark: "#3b4656", light: "#2c3542" },
    success: { main: "#34d399" },
    error: { main: "#f87171" },
    http: { get: "#34d399", post: "#60a5fa", put: "#f59e0b", patch: "#fb923c", delete: "#f87171" },
  };
  Redoc.init(place.dataset.document, {
    hideHostname: false,
    hideDownloadButton: false,
    nativeScrollbars: true,
    jsonSampleExpandLevel: 3,
    disableSearch: false,
    theme: {
      typography: {
        fontFamily: "system-ui, sans-serif",
        headings: { fontFamily: "system-ui, sans-serif" },
        code: { fontFamily: "ui-monospace, monospace", ...(dark ? { color: "#fca5a5", backgroundColor: "#1a212b" } : {}) },
      },
      ...(dark
        ? {
            colors: colours,
            sidebar: { backgroundColor: "#161c25", textColor: "#e5e9f0" },
            schema: { nestedBackground: "#1a212b", typeNameColor: "#9aa5b4", typeTitleColor: "#9aa5b4" },
            rightPanel: { backgroundColor: "#0c1117" },
          }
        : {}),
    },
  }, place);
})();
