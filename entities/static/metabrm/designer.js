/* The designer's side panel, tables and previews. Everything it shows is made by the server. */
(() => {
  "use strict";
  const panel = document.getElementById("designer-panel");
  if (!panel) return;
  let dirty = false;
  let opener = null;
  let timer = 0;
  let asked = 0;

  const form = () => panel.querySelector("[data-panel-form]");
  const later = (work) => { clearTimeout(timer); timer = setTimeout(work, 300); };

  async function send(url, body) {
    const answer = await fetch(url, body ? { method: "POST", body } : {});
    const json = (answer.headers.get("content-type") || "").includes("json");
    if (answer.redirected) { location.reload(); return null; }
    return { ok: answer.ok, value: json ? await answer.json() : await answer.text(), json };
  }

  /* Panel */
  function show(html) {
    panel.innerHTML = html;
    if (!form()) return;
    adapt();
    const plan = panel.querySelector("[data-plan]");
    const first = panel.querySelector(".brmd-wrong input, .brmd-wrong textarea, .brmd-wrong select")
      || panel.querySelector("[data-inputs]:not([hidden]) input:not([type=hidden]), [name=typed_name]");
    (plan && !panel.querySelector("[name=typed_name]") ? plan : first || panel.querySelector("[data-close]")).focus();
  }

  async function open(url, from) {
    opener = from;
    const answer = await send(url);
    if (!answer) return;
    if (!answer.ok) { say("That could not be opened. You may lack the right, or it is gone; load the page again."); return; }
    dirty = false;
    if (!panel.open) panel.showModal();
    show(answer.value);
  }

  function close(force) {
    if (!force && dirty && !confirm("Leave without saving what you typed?")) return;
    dirty = false;
    panel.close();
    panel.innerHTML = "";
    if (opener && opener.isConnected) opener.focus();
  }

  function say(text) {
    const status = document.getElementById("designer-status");
    if (status) status.textContent = text; else alert(text);
  }

  panel.addEventListener("cancel", (event) => { event.preventDefault(); close(); });
  panel.addEventListener("mousedown", (event) => { if (event.target === panel) close(); });
  addEventListener("beforeunload", (event) => { if (dirty) event.preventDefault(); });

  panel.addEventListener("submit", async (event) => {
    event.preventDefault();
    const sent = form();
    const button = event.submitter || sent.querySelector("button[type=submit]");
    const body = new FormData(sent);
    if (button) body.set("ask", button.value);
    sent.querySelectorAll("button").forEach((b) => { b.disabled = true; });
    const answer = await send(sent.action, body);
    if (!answer) return;
    if (answer.json && answer.value.go) {
      dirty = false;
      // The same address again would only scroll; the page must be read anew.
      if (new URL(answer.value.go, location.href).pathname === location.pathname) location.reload();
      else location.assign(answer.value.go);
      return;
    }
    if (answer.ok) { show(answer.value); return; }
    sent.querySelectorAll("button").forEach((b) => { b.disabled = false; });
    const wrong = document.createElement("p");
    wrong.className = "brm-warn";
    wrong.setAttribute("role", "alert");
    wrong.textContent = "That did not work. Try again; what you typed is still here.";
    panel.querySelector(".brmd-panel-body").prepend(wrong);
  });

  /* Only the options that the chosen data type has. */
  function typesOf(box) {
    if (box.dataset.types) return box.dataset.types.trim().split(/\s+/);
    const input = box.querySelector("[data-types]");
    return input ? JSON.parse(input.dataset.types) : null;
  }

  function adapt() {
    const kind = panel.querySelector("[name=DataType]");
    if (!kind) return;
    panel.querySelectorAll("[data-option]").forEach((box) => {
      const types = typesOf(box);
      if (types) box.hidden = !types.includes(kind.value);
    });
    const target = panel.querySelector("[data-searchable]");
    if (target && !panel.querySelector("[data-search-in]")) {
      const search = document.createElement("input");
      search.type = "search";
      search.placeholder = "Find an entity";
      search.dataset.searchIn = "1";
      search.setAttribute("aria-label", "Find an entity to look up to");
      target.before(search);
    }
  }

  function propose(input) {
    panel.querySelectorAll("[data-proposed-from]").forEach((name) => {
      if (name.dataset.proposedFrom !== input.name || name.dataset.typed || name.disabled) return;
      if (name.defaultValue && !name.dataset.proposed) return;
      const words = input.value.normalize("NFD").replace(/[^\w\s-]/g, "").split(/[\s_-]+/).filter(Boolean);
      const joined = name.dataset.proposal === "upper"
        ? words.join("_").toUpperCase()
        : words.map((w) => w[0].toUpperCase() + w.slice(1)).join("");
      name.value = joined.replace(/^[0-9_]+/, "").slice(0, 63);
      name.dataset.proposed = "1";
    });
  }

  async function preview() {
    const place = panel.querySelector("[data-preview]");
    if (!place || !form()) return;
    const turn = ++asked;
    const body = new FormData(form());
    body.set("ask", "preview");
    const answer = await send(form().action, body);
    if (answer && answer.ok && turn === asked && place.isConnected) place.innerHTML = answer.value;
  }

  async function check(input) {
    const says = input.closest("[data-option]").querySelector("[data-says]");
    const body = new FormData();
    body.set("csrfmiddlewaretoken", form().querySelector("[name=csrfmiddlewaretoken]").value);
    body.set("text", input.value);
    const answer = await send(form().dataset.formulaUrl, body);
    if (!answer || !answer.json || !says.isConnected) return;
    const { ok, says: words, position } = answer.value;
    says.hidden = !words;
    says.classList.toggle("brmd-error", !ok);
    says.textContent = words;
    if (!ok && position != null) {
      const mark = document.createElement("code");
      mark.textContent = input.value.slice(Math.max(0, position - 20), position) + "▸" + input.value.slice(position, position + 20);
      says.append(document.createElement("br"), mark);
    }
  }

  panel.addEventListener("input", (event) => {
    const input = event.target;
    if (input.dataset.searchIn) {
      const words = input.value.toLowerCase();
      const select = panel.querySelector("[data-searchable]");
      [...select.options].forEach((o) => { o.hidden = Boolean(words) && !o.text.toLowerCase().includes(words); });
      const left = [...select.options].filter((o) => !o.hidden && o.value);
      if (words && left.length) { select.value = left[0].value; dirty = true; later(preview); }
      return;
    }
    if (input.name !== "reason") dirty = true;
    if (input.dataset.proposedFrom) input.dataset.typed = "1";
    propose(input);
    if (input.name === "DataType") adapt();
    later(() => { preview(); if (input.dataset.formula && input.isConnected) check(input); });
  });

  panel.addEventListener("click", async (event) => {
    const button = event.target.closest("button");
    if (!button) return;
    if (button.hasAttribute("data-close")) close();
    if (button.hasAttribute("data-back")) {
      panel.querySelector("[data-plan]").remove();
      panel.querySelector("[data-inputs]").hidden = false;
      button.remove();
      const apply = panel.querySelector("[name=ask]");
      apply.value = "review";
      apply.textContent = "Review";
      panel.querySelector("[data-inputs] input:not([type=hidden])").focus();
    }
    const line = button.closest(".brmd-value");
    if (button.hasAttribute("data-value-add")) {
      const box = button.closest("[data-values]");
      const fresh = box.querySelector("template").content.firstElementChild.cloneNode(true);
      box.querySelector("ul").append(fresh);
      fresh.querySelector("[name=value]").focus();
      dirty = true;
    } else if (line && button.dataset.valueMove) {
      shift(line, Number(button.dataset.valueMove));
      button.focus();
      dirty = true;
      later(preview);
    } else if (line && button.hasAttribute("data-value-off")) {
      if (!line.querySelector("[name=value_id]").value) { line.remove(); later(preview); return; }
      const active = line.querySelector("[name=value_active]");
      active.value = active.value === "1" ? "0" : "1";
      line.classList.toggle("brmd-retired", active.value === "0");
      dirty = true;
    }
  });

  function shift(item, by) {
    const other = by < 0 ? item.previousElementSibling : item.nextElementSibling;
    if (!other) return false;
    if (by < 0) other.before(item); else other.after(item);
    return true;
  }

  /* Tables */
  function sort(button) {
    const head = button.closest("th");
    const place = [...head.parentNode.children].indexOf(head);
    const body = head.closest("table").tBodies[0];
    const down = head.getAttribute("aria-sort") === "ascending";
    head.parentNode.querySelectorAll("[aria-sort]").forEach((h) => h.setAttribute("aria-sort", "none"));
    head.setAttribute("aria-sort", down ? "descending" : "ascending");
    const value = (row) => { const cell = row.cells[place]; return cell.dataset.value ?? cell.textContent.trim().toLowerCase(); };
    const order = new Intl.Collator(undefined, { numeric: true }).compare;
    const rows = [...body.rows].sort((a, b) => order(value(a), value(b)) * (down ? -1 : 1));
    body.append(...rows);
  }

  function inOrder(table) {
    // Moving is by position, so the table must show positions.
    const head = table.tHead.rows[0].cells[0];
    const sorted = table.querySelector("[aria-sort=ascending], [aria-sort=descending]");
    if (!sorted || (sorted === head && head.getAttribute("aria-sort") === "ascending")) return;
    head.setAttribute("aria-sort", "none");
    sort(head.querySelector("[data-sort]"));
  }

  const fields = document.querySelector("[data-order]");
  let saving = 0;
  let kept = fields ? [...fields.tBodies[0].rows] : [];

  function number(table) {
    [...table.tBodies[0].rows].forEach((row, at) => { row.cells[0].dataset.value = String(at + 1); });
  }

  async function keepOrder(table) {
    number(table);
    clearTimeout(saving);
    saving = setTimeout(async () => {
      const wanted = [...table.tBodies[0].rows];
      const body = new FormData(document.getElementById("designer-token"));
      wanted.forEach((row) => body.append("id", row.dataset.id));
      const answer = await send(table.dataset.order, body).catch(() => ({ ok: false, value: {} }));
      if (!answer) return;
      if (answer.ok) { kept = wanted; say("The order is saved."); return; }
      table.tBodies[0].append(...kept);
      number(table);
      say(`${answer.value.error || "The order could not be saved."} It is as it was.`);
    }, 600);
  }

  document.addEventListener("click", async (event) => {
    const button = event.target.closest("button");
    if (!button) return;
    if (button.dataset.panel) open(button.dataset.panel, button);
    if (button.hasAttribute("data-sort")) sort(button);
    if (button.dataset.move) {
      const table = button.closest("table");
      inOrder(table);
      if (shift(button.closest("tr"), Number(button.dataset.move))) keepOrder(table);
      button.focus();
    }
    if (button.dataset.copy) {
      const text = document.querySelector(button.dataset.copy).textContent;
      try {
        await navigator.clipboard.writeText(text);
        button.textContent = "Copied";
      } catch {
        getSelection().selectAllChildren(document.querySelector(button.dataset.copy));
        button.textContent = "Selected; press Ctrl+C";
      }
    }
  });

  if (fields) {
    let dragged = null;
    fields.addEventListener("dragstart", (event) => {
      dragged = event.target.closest("tr");
      inOrder(fields);
      dragged.classList.add("brmd-dragged");
    });
    fields.addEventListener("dragover", (event) => {
      const over = event.target.closest("tbody tr");
      if (!dragged || !over || over === dragged) return;
      event.preventDefault();
      const box = over.getBoundingClientRect();
      if (event.clientY < box.top + box.height / 2) over.before(dragged); else over.after(dragged);
    });
    fields.addEventListener("drop", (event) => event.preventDefault());
    fields.addEventListener("dragend", () => {
      if (!dragged) return;
      dragged.classList.remove("brmd-dragged");
      dragged = null;
      keepOrder(fields);
    });
  }

  const find = document.querySelector("[data-filter]");
  if (find) {
    const custom = document.querySelector("[data-only-custom]");
    const table = document.querySelector(find.dataset.filter);
    const apply = () => {
      const words = find.value.toLowerCase().split(/\s+/).filter(Boolean);
      let left = 0;
      [...table.tBodies[0].rows].forEach((row) => {
        const fits = words.every((w) => row.dataset.find.includes(w)) && (!custom.checked || "custom" in row.dataset);
        row.hidden = !fits;
        left += fits;
      });
      document.querySelector("[data-nothing]").hidden = left > 0;
    };
    find.addEventListener("input", apply);
    custom.addEventListener("change", apply);
    apply();
  }
})();
