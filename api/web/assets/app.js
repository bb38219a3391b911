// Saves round trips; every page works without it. The attributes that it knows:
// data-copy="text", data-select-all="name of the ticks", data-selected="the same" (what counts them), data-close,
// data-focus (takes the focus after a swap or a reload), data-words="Asking the mail server …" on a button,
// data-autosave on a form: htmx listens to its event "autosave", a second after the last change.
"use strict";
(() => {
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];
  const say = (words) => {
    const line = document.getElementById("said");
    if (line) line.textContent = words;
  };

  const copy = async (button) => {
    const words = button.querySelector("[data-copy-words]") || button;
    try {
      await navigator.clipboard.writeText(button.dataset.copy);
    } catch {
      say("The browser did not allow copying.");
      return;
    }
    const before = words.textContent;
    words.textContent = "Copied";
    say("Copied");
    setTimeout(() => (words.textContent = before), 2000);
  };

  const count = () => {
    for (const bar of all("[data-selected]")) {
      const ticks = all(`input[name="${bar.dataset.selected}"]`);
      const ticked = ticks.filter((tick) => tick.checked).length;
      bar.textContent = ticked ? `${ticked} selected` : "";
      const every = document.querySelector(`[data-select-all="${bar.dataset.selected}"]`);
      if (every) {
        every.checked = ticked > 0 && ticked === ticks.length;
        every.indeterminate = ticked > 0 && ticked < ticks.length;
      }
    }
  };

  // Each [data-focus] is used once: a region that refreshes itself must not take the focus again.
  const focus = () => {
    const target = document.querySelector("[data-focus]");
    if (!target) return;
    target.removeAttribute("data-focus");
    if (target.tabIndex < 0) target.tabIndex = -1;
    target.focus();
  };

  // What was sent has been answered: the form can be sent again.
  const rest = (form) => {
    delete form.dataset.sent;
    for (const button of all("button[aria-busy]", form)) {
      button.removeAttribute("aria-busy");
      form.querySelector(".busy-words")?.remove();
    }
  };

  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-copy],[data-close]");
    if (button?.dataset.copy) copy(button);
    else if (button) {
      event.preventDefault();
      button.closest(".notice").remove();
      document.getElementById("main").focus();
    }
  });

  document.addEventListener("change", (event) => {
    const name = event.target.dataset.selectAll;
    if (name) for (const tick of all(`input[name="${name}"]`)) tick.checked = event.target.checked;
    count();
  });

  const waiting = new WeakMap();
  document.addEventListener("input", (event) => {
    const form = event.target.closest("form[data-autosave]");
    if (!form) return;
    clearTimeout(waiting.get(form));
    waiting.set(form, setTimeout(() => form.dispatchEvent(new Event("autosave")), 1000));
  });

  // A button that takes long says what it waits for.
  const busy = (form, button) => {
    form.dataset.sent = "yes";
    clearTimeout(waiting.get(form));
    if (!button) return;
    button.setAttribute("aria-busy", "true");
    setTimeout(() => {
      if (!form.dataset.sent || !button.dataset.words) return;
      const words = document.createElement("span");
      words.className = "busy-words";
      words.textContent = button.dataset.words;
      button.after(words);
      say(button.dataset.words);
    }, 1000);
  };

  // A second click on the way does nothing.
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (form.dataset.sent) {
      event.preventDefault();
      event.stopImmediatePropagation();
    } else if (form.method === "post") busy(form, event.submitter);
  }, true);
  document.addEventListener("htmx:before:request", (event) => {
    const button = event.detail.ctx?.sourceElement;
    if (button?.dataset.words && button.form) busy(button.form, button);
  });

  // Back shows the page as it was left: its forms can be sent again.
  addEventListener("pageshow", () => {
    all("form[data-sent]").forEach(rest);
    count();
  });
  document.addEventListener("htmx:finally:request", (event) => {
    const source = event.detail.ctx?.sourceElement;
    const form = source?.matches("form,button") && source.closest("form[data-sent]");
    if (form) rest(form);
  });
  document.addEventListener("htmx:after:swap", () => {
    count();
    focus();
  });
  focus();
  count();
})();
