/* The layout editor: fields move between two lists; the server shows what would come of it. */
(() => {
  "use strict";
  const editor = document.getElementById("layout-editor");
  if (!editor) return;
  const shown = editor.querySelector("[data-shown]");
  const preview = editor.querySelector("[data-preview]");
  const trouble = document.getElementById("layout-trouble");
  const save = document.querySelector("[data-save]");
  const homes = new Map();
  let before = "";
  let leaving = false;
  let timer = 0;
  let asked = 0;

  // A field that is taken out goes back to the list that it would have come from.
  const own = editor.querySelector("[data-available]");
  editor.querySelectorAll("[data-available] > li").forEach((item) => homes.set(item, item.parentNode));

  function layout() {
    const document_ = [];
    let into = document_;
    for (const item of shown.children) {
      if ("section" in item.dataset) {
        into = [];
        document_.push({ Section: item.querySelector("input").value, Fields: into });
      } else into.push(item.dataset.name);
    }
    return JSON.stringify(document_);
  }

  const dirty = () => layout() !== before;

  async function ask(what) {
    const body = new FormData(editor);
    body.set("ask", what);
    body.set("document", layout());
    return fetch(location.pathname, { method: "POST", body });
  }

  function refresh() {
    const fields = shown.querySelectorAll("[data-name]").length;
    editor.querySelector("[data-count]").textContent = fields === 1 ? "1 field" : `${fields} fields`;
    editor.querySelector("[data-nothing]").hidden = shown.children.length > 0;
    if (save) save.disabled = !dirty();
  }

  function changed() {
    refresh();
    clearTimeout(timer);
    timer = setTimeout(async () => {
      const turn = ++asked;
      let answer;
      try { answer = await ask("preview"); } catch { return; }
      if (answer.redirected) { leaving = true; location.reload(); return; }
      if (answer.ok && turn === asked) preview.innerHTML = await answer.text();
    }, 250);
  }

  function say(text) { document.getElementById("layout-said").textContent = text; }

  function place(item) {
    const places = [...shown.children];
    return `${item.dataset.label}, place ${places.indexOf(item) + 1} of ${places.length}`;
  }

  function move(item, by) {
    const other = by < 0 ? item.previousElementSibling : item.nextElementSibling;
    if (!other) return;
    if (by < 0) other.before(item); else other.after(item);
    say(place(item));
    changed();
  }

  function take(item, next) {
    if (next) next.before(item); else shown.append(item);
    say(`${place(item)} is shown`);
    changed();
  }

  function drop(item) {
    const home = homes.get(item) || own;
    if ("section" in item.dataset) item.remove(); else home.prepend(item);
    say(`${item.dataset.label} is taken out`);
    changed();
  }

  editor.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (!button) return;
    const item = button.closest("li");
    if (button.dataset.by) { move(item, Number(button.dataset.by)); button.focus(); }
    else if ("in" in button.dataset || "out" in button.dataset) {
      // The focus stays where the hand is: on the field that follows.
      const beside = item.nextElementSibling || item.previousElementSibling;
      const next = beside && beside.querySelector("in" in button.dataset ? "[data-in]" : "[data-out]");
      if ("in" in button.dataset) take(item); else drop(item);
      if (next) next.focus();
    } else if ("heading" in button.dataset) {
      const fresh = editor.querySelector("template").content.firstElementChild.cloneNode(true);
      shown.append(fresh);
      fresh.querySelector("input").focus();
      changed();
    }
  });

  editor.addEventListener("submit", (event) => event.preventDefault());
  editor.addEventListener("input", (event) => {
    if ("find" in event.target.dataset) {
      const words = event.target.value.toLowerCase().split(/\s+/).filter(Boolean);
      editor.querySelectorAll("[data-available] > li").forEach((item) => {
        const text = `${item.dataset.label} ${item.dataset.name}`.toLowerCase();
        item.hidden = !words.every((word) => text.includes(word));
      });
      editor.querySelectorAll("details").forEach((group) => {
        group.open = words.length > 0 && Boolean(group.querySelector("li:not([hidden])"));
      });
    } else changed();
  });

  let dragged = null;
  editor.addEventListener("dragstart", (event) => {
    dragged = event.target.closest && event.target.closest("li");
    if (!dragged) return;
    event.dataTransfer.effectAllowed = "move";
    dragged.classList.add("brmd-dragged");
  });
  editor.addEventListener("dragover", (event) => {
    if (!dragged) return;
    const inside = event.target.closest(".brml-shown");
    if (inside) {
      event.preventDefault();
      const over = event.target.closest("[data-shown] > li");
      if (over === dragged) return;
      if (!over) { if (dragged.parentNode !== shown) shown.append(dragged); return; }
      const box = over.getBoundingClientRect();
      if (event.clientY < box.top + box.height / 2) over.before(dragged); else over.after(dragged);
    } else if (event.target.closest(".brml-available")) {
      event.preventDefault();
      if (dragged.parentNode === shown && !("section" in dragged.dataset)) (homes.get(dragged) || own).prepend(dragged);
    }
  });
  editor.addEventListener("drop", (event) => event.preventDefault());
  editor.addEventListener("dragend", () => {
    if (!dragged) return;
    dragged.classList.remove("brmd-dragged");
    dragged = null;
    changed();
  });

  function tell(lines) {
    trouble.replaceChildren(...lines.map((line) => {
      const words = document.createElement("p");
      words.textContent = line;
      return words;
    }));
    trouble.hidden = false;
    trouble.scrollIntoView({ block: "nearest" });
  }

  async function keep() {
    save.disabled = true;
    let answer;
    try { answer = await ask("save"); } catch { answer = null; }
    const json = answer && (answer.headers.get("content-type") || "").includes("json");
    const told = json ? await answer.json() : {};
    if (told.go) { leaving = true; location.assign(told.go); return; }
    save.disabled = false;
    if (told.stale) {
      tell([`${told.stale} Nothing of yours is saved yet.`]);
      const look = document.createElement("a");
      look.href = location.pathname;
      look.className = "brm-undo";
      look.textContent = "Look at what is there";
      const over = document.createElement("button");
      over.type = "button";
      over.className = "brm-undo";
      over.textContent = "Save mine in its place";
      over.addEventListener("click", () => { editor.querySelector("[name=seen]").value = told.seen; trouble.hidden = true; keep(); });
      trouble.append(look, " · ", over);
    } else tell(told.problems || ["That did not work. Try again; your changes are still here."]);
  }

  if (save) save.addEventListener("click", keep);
  addEventListener("beforeunload", (event) => { if (dirty() && !leaving) event.preventDefault(); });

  before = layout();
  refresh();
})();
