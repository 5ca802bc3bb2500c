/* Lists: choosing rows and submitting filters; all of it works without, too. */
(() => {
  const all = (selector, of = document) => [...of.querySelectorAll(selector)];
  const told = () => {
    const bar = document.querySelector("[data-bulk]");
    if (!bar) return;
    const picked = all("[data-pick]").filter((each) => each.checked);
    const whole = document.getElementById("bulk-all")?.checked;
    all("[data-pick]").forEach((each) => each.closest("[data-row]").toggleAttribute("data-chosen", each.checked));
    bar.toggleAttribute("data-none", !picked.length && !whole);
    bar.querySelector("[data-selected]").textContent = whole ? "All that match" : `${picked.length} selected, or`;
    const head = document.querySelector("[data-pick-all]");
    if (head) {
      head.checked = picked.length > 0 && picked.length === all("[data-pick]").length;
      head.indeterminate = picked.length > 0 && !head.checked;
    }
  };
  let last = null;
  document.addEventListener("click", (event) => {
    const box = event.target.closest?.("[data-pick]");
    if (!box) return;
    const boxes = all("[data-pick]");
    if (event.shiftKey && last && boxes.includes(last)) {
      const [from, to] = [boxes.indexOf(last), boxes.indexOf(box)].sort((a, b) => a - b);
      boxes.slice(from, to + 1).forEach((each) => { each.checked = box.checked; });
    }
    last = box;
    told();
  });
  document.addEventListener("change", (event) => {
    const target = event.target;
    if (target.matches?.("[data-pick-all]")) all("[data-pick]").forEach((each) => { each.checked = target.checked; });
    if (target.matches?.("[data-submits]")) target.form.requestSubmit();
    if (target.matches?.("[data-pick], [data-pick-all], #bulk-all")) told();
  });
  document.addEventListener("cronicorn:renewed", told);
  document.addEventListener("htmx:after:swap", told);
  document.addEventListener("htmx:afterSwap", told);
  told();

  /* A preview of what is typed: neutral while typing, and the newest answer wins. */
  let waiting = 0, asked = 0;
  document.addEventListener("input", (event) => {
    const form = event.target.closest?.("form[data-preview]");
    if (!form) return;
    clearTimeout(waiting);
    waiting = setTimeout(async () => {
      const mine = ++asked;
      const body = new URLSearchParams(new FormData(form));
      const answer = await fetch(form.dataset.preview, { method: "POST", body, headers: { "HX-Request": "true" } });
      const place = document.getElementById(form.dataset.into);
      if (mine !== asked || !answer.ok || !place) return;
      place.innerHTML = await answer.text();
    }, 300);
  });
})();
