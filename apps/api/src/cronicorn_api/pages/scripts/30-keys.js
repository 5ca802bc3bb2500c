// Keys of the keyboard: silent while somebody types, and whoever wants none switches them off.
(() => {
  "use strict";
  const OFF = "cronicorn-keys-off";
  const places = { n: "/", e: "/endpoints", j: "/jobs", a: "/sessions", s: "/statistics" };
  let before = "";
  let forgetting;

  const isOff = () => localStorage.getItem(OFF) === "yes";
  const typing = (at) => at.closest?.("input, textarea, select, [contenteditable], dialog[open]");
  const press = (selector) => {
    const found = document.querySelector(selector);
    if (found) found.click();
    return Boolean(found);
  };

  const rows = () => [...document.querySelectorAll("main [data-row], main tbody tr")]
    .filter((each) => each.querySelector("a[href]") && each.offsetParent);
  const move = (by) => {
    const all = rows();
    if (!all.length) return false;
    const at = all.findIndex((each) => each.contains(document.activeElement));
    const to = at < 0 ? 0 : Math.max(0, Math.min(all.length - 1, at + by));
    all[to].querySelector("a[href]").focus();
    return true;
  };

  const help = () => {
    let dialog = document.getElementById("keys");
    if (!dialog) {
      dialog = document.createElement("dialog");
      dialog.id = "keys";
      dialog.setAttribute("aria-labelledby", "keys-title");
      const lines = [
        ["g n, g e, g j, g a, g s", "Now, endpoints, jobs, sessions, statistics"],
        ["/", "Search"], ["Ctrl K", "Go anywhere"], ["j, k", "Next row, row before"], ["x", "Choose the row"],
        ["r, p, e", "Run now, pause, edit"], ["[, ]", "Run before, run after"],
        ["l", "Freeze what is live, or follow it"], ["?", "This help"],
      ];
      const list = document.createElement("dl");
      list.className = "facts";
      for (const [keys, does] of lines) {
        const term = document.createElement("dt");
        const kbd = document.createElement("kbd");
        kbd.textContent = keys;
        term.append(kbd);
        const what = document.createElement("dd");
        what.textContent = does;
        list.append(term, what);
      }
      const title = document.createElement("h2");
      title.id = "keys-title";
      title.textContent = "Keys";
      const close = document.createElement("button");
      close.type = "button";
      close.className = "button";
      close.dataset.close = "";
      close.textContent = "Close";
      const stack = document.createElement("div");
      stack.className = "stack";
      stack.append(title, list, close);
      dialog.append(stack);
      document.body.append(dialog);
    }
    dialog.showModal();
    return true;
  };

  // Go anywhere: pages by their names, and endpoints by a search.
  const palette = () => {
    let dialog = document.getElementById("palette");
    if (!dialog) {
      dialog = document.createElement("dialog");
      dialog.id = "palette";
      dialog.setAttribute("aria-label", "Go anywhere");
      const form = document.createElement("form");
      form.action = "/endpoints";
      const field = document.createElement("input");
      field.type = "search";
      field.name = "q";
      field.autocomplete = "off";
      field.placeholder = "A page, or an endpoint's name";
      field.setAttribute("aria-label", "A page, or an endpoint's name");
      const list = document.createElement("ul");
      list.className = "palette";
      const pages = [...document.querySelectorAll(".rail li a, .tabs a")]
        .map((each) => [each.textContent.trim(), each.getAttribute("href")]);
      const fill = () => {
        const wanted = field.value.trim().toLowerCase();
        list.replaceChildren(...pages
          .filter(([word]) => word.toLowerCase().includes(wanted))
          .map(([word, href]) => {
            const link = document.createElement("a");
            link.href = href;
            link.textContent = word;
            const item = document.createElement("li");
            item.append(link);
            return item;
          }));
      };
      field.addEventListener("input", fill);
      form.addEventListener("submit", (event) => {
        const first = list.querySelector("a");
        const exact = first && first.textContent.toLowerCase().startsWith(field.value.trim().toLowerCase());
        if (exact) {
          event.preventDefault();
          location.href = first.href;
        }
      });
      form.append(field, list);
      dialog.append(form);
      document.body.append(dialog);
      fill();
    }
    dialog.showModal();
    dialog.querySelector("input").select();
    return true;
  };

  const act = (key) => {
    if (before === "g" && key in places) {
      location.href = places[key];
      return true;
    }
    switch (key) {
      case "g": return true;
      case "/": {
        const field = document.querySelector('main input[type="search"]');
        field?.focus();
        return Boolean(field);
      }
      case "j": return move(1);
      case "k": return move(-1);
      case "x": {
        const row = document.activeElement?.closest("tr, [data-row]");
        const box = row?.querySelector('input[type="checkbox"]');
        box?.click();
        return Boolean(box);
      }
      case "r": return press("[data-key='r']");
      case "p": {
        const done = press("[data-key='p'], main > header .pause-menu > summary");
        document.querySelector("main > header .pause-menu[open] button")?.focus();
        return done;
      }
      case "e": return press("[data-key='e']");
      case "[": return press("[data-key='[']");
      case "]": return press("[data-key=']']");
      case "l": return press("[data-pause]");
      case "?": return help();
      default: return false;
    }
  };
  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.altKey || isOff()) return;
    if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "k") {
      event.preventDefault();
      if (!document.querySelector("dialog[open]")) palette();
      return;
    }
    if (event.ctrlKey || event.metaKey || typing(event.target)) return;
    const done = act(event.key);
    clearTimeout(forgetting);
    before = event.key;
    forgetting = setTimeout(() => { before = ""; }, 1000);
    if (done) event.preventDefault();
  });

  const box = document.querySelector("[data-keys-off]");
  if (box) {
    const tick = box.querySelector("input");
    box.hidden = false;
    tick.checked = isOff();
    tick.addEventListener("change", () => { localStorage.setItem(OFF, tick.checked ? "yes" : "no"); });
  }
})();
