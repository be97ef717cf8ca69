/* The pages under /docs/: search among entities, tabs between samples, copying. */
(() => {
  "use strict";

  const search = document.getElementById("search");
  if (search) {
    const rooms = [...document.querySelectorAll("[data-room]")];
    const none = document.getElementById("none");
    const filter = () => {
      const words = search.value.toLowerCase().replaceAll("_", "").split(/\s+/).filter(Boolean);
      let found = 0;
      for (const room of rooms) {
        let here = 0;
        for (const item of room.querySelectorAll("[data-words]")) {
          const text = item.dataset.words.toLowerCase().replaceAll("_", "");
          item.hidden = !words.every((word) => text.includes(word));
          here += !item.hidden;
        }
        room.hidden = !here;
        found += here;
      }
      none.hidden = found > 0;
    };
    search.addEventListener("input", filter);
    filter();
  }

  for (const group of document.querySelectorAll("[data-tabs]")) {
    const tabs = [...group.querySelectorAll("[role=tab]")];
    const choose = (chosen) => {
      for (const tab of tabs) {
        const selected = tab === chosen;
        tab.setAttribute("aria-selected", selected);
        tab.tabIndex = selected ? 0 : -1;
        document.getElementById(tab.getAttribute("aria-controls")).hidden = !selected;
      }
    };
    tabs.forEach((tab, place) => {
      tab.addEventListener("click", () => choose(tab));
      tab.addEventListener("keydown", (event) => {
        const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
        if (!step) return;
        const next = tabs[(place + step + tabs.length) % tabs.length];
        choose(next);
        next.focus();
      });
    });
    choose(tabs[0]);
  }

  if (navigator.clipboard) {
    for (const told of document.querySelectorAll(".told")) {
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = "Copy";
      button.addEventListener("click", async () => {
        await navigator.clipboard.writeText(told.querySelector("code").textContent);
        button.textContent = "Copied";
        setTimeout(() => { button.textContent = "Copy"; }, 1500);
      });
      told.append(button);
    }
  }
})();
