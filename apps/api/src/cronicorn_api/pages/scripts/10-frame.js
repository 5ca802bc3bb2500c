// What every page does beyond reading and posting. All of it is told to the document, so that it
// holds for what comes later, too. Without it pages still read and post.
(() => {
  "use strict";
  const $ = (selector, root = document) => root.querySelector(selector);
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];
  const body = document.body;

  // The zone of this browser: only it knows. Pages that tell local times are read once more.
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone || "UTC";
  if (zone !== body.dataset.zone) {
    const secure = location.protocol === "https:" ? "; Secure" : "";
    document.cookie = `cronicorn_zone=${zone}; Path=/; Max-Age=31536000; SameSite=Lax${secure}`;
    const kept = document.cookie.includes(`cronicorn_zone=${zone}`);
    const telling = $("main time") && body.dataset.times !== "utc";
    if (kept && telling && !sessionStorage.getItem("cronicorn-zone")) {
      sessionStorage.setItem("cronicorn-zone", zone);
      location.reload();
    }
  }

  // Says something to those who do not see it: at most every ten seconds, the last word wins.
  let heardAt = 0;
  let hearing;
  const hear = (text) => {
    clearTimeout(hearing);
    hearing = setTimeout(() => {
      heardAt = Date.now();
      $("#heard").textContent = text;
    }, Math.max(0, heardAt + 10_000 - Date.now()));
  };

  // How long ago, as the server writes it.
  const units = [["d", 86_400], ["h", 3_600], ["m", 60], ["s", 1]];
  const relative = (iso) => {
    const seconds = (Date.parse(iso) - Date.now()) / 1000;
    const size = Math.floor(Math.abs(seconds));
    if (size < 1) return "now";
    const [name, unit] = units.find((each) => size >= each[1]);
    const text = `${Math.floor(size / unit)} ${name}`;
    return seconds > 0 ? `in ${text}` : `${text} ago`;
  };
  const tick = () => {
    if (document.hidden) return;
    for (const each of all("[data-ago]")) {
      const text = relative(each.dataset.ago);
      if (each.textContent !== text) each.textContent = text;
    }
  };
  setInterval(tick, 1000);

  // One tip for whatever has more to say, opened by the pointer and by the keyboard alike.
  const tip = $("#tip");
  const open = (of) => {
    if (!tip?.showPopover) return;
    tip.textContent = of.dataset.tip;
    if (!tip.matches(":popover-open")) tip.showPopover();
    of.setAttribute("aria-describedby", "tip");
    const at = of.getBoundingClientRect();
    const room = tip.getBoundingClientRect();
    const left = Math.max(8, Math.min(at.left, innerWidth - room.width - 8));
    const below = at.bottom + 6;
    tip.style.left = `${left}px`;
    tip.style.top = `${below + room.height > innerHeight ? at.top - room.height - 6 : below}px`;
  };
  const close = () => {
    if (tip?.matches(":popover-open")) tip.hidePopover();
    $('[aria-describedby="tip"]')?.removeAttribute("aria-describedby");
  };
  for (const [opening, closing] of [["pointerover", "pointerout"], ["focusin", "focusout"]]) {
    document.addEventListener(opening, (event) => {
      const of = event.target.closest?.("[data-tip]");
      if (of) open(of);
    });
    document.addEventListener(closing, (event) => {
      if (event.target.closest?.("[data-tip]")) close();
    });
  }
  addEventListener("scroll", close, { passive: true, capture: true });

  // Copying, also where the site is not secure and there is no clipboard.
  const clipboard = async (text) => {
    if (navigator.clipboard && isSecureContext) return navigator.clipboard.writeText(text);
    const area = document.createElement("textarea");
    area.value = text;
    area.className = "sr";
    (document.activeElement?.closest("dialog") ?? body).append(area);
    area.select();
    const done = document.execCommand("copy");
    area.remove();
    if (!done) throw new Error("refused");
  };
  document.addEventListener("click", async (event) => {
    const button = event.target.closest?.("[data-copy]");
    if (!button) return;
    const before = button.dataset.label ?? button.textContent;
    button.dataset.label = before;
    try {
      await clipboard(button.dataset.copy);
      button.textContent = "Copied";
      hear("Copied");
    } catch {
      button.textContent = "Not copied";
    }
    button.focus();
    setTimeout(() => { button.textContent = before; }, 1500);
  });

  // Buttons that open and close dialogs, in browsers that do not know that of themselves.
  if (!("command" in HTMLButtonElement.prototype)) {
    document.addEventListener("click", (event) => {
      const button = event.target.closest?.("button[commandfor]");
      const dialog = button && document.getElementById(button.getAttribute("commandfor"));
      if (!dialog) return;
      if (button.getAttribute("command") === "show-modal") dialog.showModal();
      else dialog.close();
    });
  }
  document.addEventListener("click", (event) => {
    if (event.target.closest?.("[data-close]")) event.target.closest("dialog").close();
    for (const menu of all("details.menu[open]")) {
      if (!menu.contains(event.target)) menu.open = false;
    }
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    close();
    const menu = $("details.menu[open]");
    if (menu) {
      menu.open = false;
      $("summary", menu).focus();
    }
  });

  // What is typed into a form with a name is kept until it was taken, except secrets. With it goes
  // which version it was typed over: what somebody else saves meanwhile is not overwritten unseen.
  const draftOf = (form) => `cronicorn-draft:${form.dataset.draft}`;
  const isSecret = (field) => field.type === "password" || field.closest("[data-secret]");
  const isKept = (field) => field.name && !isSecret(field)
    && (field.type !== "hidden" || field.name === "seen");
  const keep = (form) => {
    const typed = {};
    for (const field of form.elements) {
      if (!isKept(field)) continue;
      const ticked = field.type === "checkbox" || field.type === "radio";
      (typed[field.name] ??= []).push(ticked ? [field.value, field.checked] : field.value);
    }
    sessionStorage.setItem(draftOf(form), JSON.stringify(typed));
  };
  const drafted = new WeakSet();
  const bringBack = (form) => {
    const kept = sessionStorage.getItem(draftOf(form));
    if (drafted.has(form)) return;
    drafted.add(form);
    if (!kept) return;
    if ($(".errors", form.parentElement ?? form)) return;
    const typed = JSON.parse(kept);
    const at = {};
    for (const field of form.elements) {
      if (!isKept(field) || !(field.name in typed)) continue;
      const value = typed[field.name][(at[field.name] = (at[field.name] ?? -1) + 1)];
      if (value === undefined) continue;
      if (Array.isArray(value)) field.checked = value[1];
      else field.value = value;
    }
    const back = document.createElement("p");
    back.className = "note info";
    back.setAttribute("role", "status");
    back.append("What you typed before is back. ");
    const discard = document.createElement("button");
    discard.type = "button";
    discard.className = "button small quiet";
    discard.dataset.discard = "";
    discard.textContent = "Discard it";
    back.append(discard);
    ($(":scope > .stack", form) ?? form).prepend(back);
    // Whoever previews what is typed may not listen yet.
    const tell = () => form.dispatchEvent(new Event("input", { bubbles: true }));
    if (document.readyState === "complete") tell();
    else addEventListener("load", tell, { once: true });
  };
  document.addEventListener("input", (event) => {
    const form = event.target.form;
    if (form?.dataset.draft) keep(form);
  });
  document.addEventListener("click", (event) => {
    const leaves = event.target.closest?.("form[data-draft] :is([data-cancel], [data-discard])");
    if (!leaves) return;
    sessionStorage.removeItem(draftOf(leaves.closest("form")));
    if (leaves.matches("[data-discard]")) location.reload();
  });

  const offerCopies = () => {
    for (const each of all("[data-copy][hidden]")) each.hidden = false;
  };
  document.addEventListener("cronicorn:renewed", offerCopies);
  const told = () => {
    offerCopies();
    for (const form of all("form[data-draft]")) bringBack(form);
    $('.tabs [aria-current]')?.scrollIntoView({ block: "nearest", inline: "center" });
    $("#main [data-focus]")?.focus();
  };
  // Faults of what was typed come with the form; whatever else is refused leaves it as it stands.
  const withForm = (status) => status < 400 || status === 409 || status === 422;
  const refusals = {
    403: "You may not do this.",
    404: "This is not there any more.",
    413: "That is too much to be sent.",
    429: "That was asked too often. Wait a little, and try again.",
  };
  document.addEventListener("htmx:before:response", (event) => {
    const { response, sourceElement: form } = event.detail.ctx;
    if (!form?.matches?.("form") || response.status === 401 || withForm(response.status)) return;
    event.preventDefault();
    const why = refusals[response.status] ?? "The server could not do it. Try again.";
    complain(form, `${why} What you typed is kept.`);
  });
  // A post that leads on is done: its draft is not needed, its dialog is closed. A test is no end.
  document.addEventListener("htmx:before:swap", (event) => {
    const ctx = event.detail.ctx;
    const form = ctx?.sourceElement;
    if (!form?.matches?.("form") || !(ctx.response?.status < 400)) return;
    const tries = ["test", "replay"].includes(ctx.request?.submitter?.value);
    if (form.dataset.draft && !tries) sessionStorage.removeItem(draftOf(form));
    form.closest("dialog")?.close();
  });
  document.addEventListener("htmx:after:swap", (event) => {
    if (event.detail.ctx?.target?.id !== "main") return;
    // What is ticked is as the server says: a morph takes over attributes, and no more.
    for (const box of all("#main :is([type=checkbox], [type=radio])")) box.checked = box.defaultChecked;
    told();
    const said = $("#said .said span");
    if (said) hear(said.textContent);
  });

  // A session that has ended is begun anew over the page, and what was sent is sent again.
  const dialog = $("#sign-in-again");
  let waiting = [];
  const signIn = (again) => {
    waiting.push(again);
    if (dialog && !dialog.open) dialog.showModal();
  };
  document.addEventListener("htmx:before:response", (event) => {
    const ctx = event.detail.ctx;
    if (ctx.response.status !== 401 || !dialog) return;
    event.preventDefault();
    const { sourceElement: from, request } = ctx;
    signIn(() => {
      if (from.matches("form")) from.requestSubmit(request.submitter ?? undefined);
      else from.click();
    });
  });
  document.addEventListener("submit", async (event) => {
    if (!event.target.matches("[data-sign-in]")) return;
    event.preventDefault();
    const form = event.target;
    const fault = $("[data-fault]", form);
    fault.hidden = true;
    try {
      const answer = await fetch(form.action, {
        method: "POST", body: new URLSearchParams(new FormData(form)), headers: { "HX-Request": "true" },
      });
      if (answer.status === 204) {
        form.elements.password.value = "";
        dialog.close();
        const todo = waiting;
        waiting = [];
        for (const again of todo) again();
        return;
      }
      fault.textContent = answer.status === 429
        ? "That was tried too often. Wait a little, and try again."
        : "The e-mail address or the password is not right.";
    } catch {
      fault.textContent = "The server cannot be reached. Nothing is lost; try again.";
    }
    fault.hidden = false;
    form.elements.password.focus();
  });
  dialog?.addEventListener("close", () => { waiting = []; });

  // A server that does not answer: said beside the button, and the form keeps everything.
  const complain = (form, words) => {
    let fault = $(":scope > [data-unreached]", form);
    if (!fault) {
      fault = document.createElement("p");
      fault.className = "fault";
      fault.setAttribute("role", "alert");
      fault.dataset.unreached = "";
      form.append(fault);
    }
    fault.textContent = words;
  };
  document.addEventListener("htmx:error", (event) => {
    const form = event.detail.ctx?.sourceElement;
    if (!form?.matches?.("form")) return;
    complain(form, "The server did not answer. What you typed is kept; try again.");
  });
  document.addEventListener("htmx:before:request", (event) => {
    const form = event.detail.ctx?.sourceElement;
    if (form?.matches?.("form")) $(":scope > [data-unreached]", form)?.remove();
  });

  window.cronicorn = Object.freeze({ hear, signIn, relative });
  told();
})();
