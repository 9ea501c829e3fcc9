// What pages cannot do without a script: shortcuts, the undo countdown, drafts kept until saved, zoom, copying.
(() => {
  "use strict";
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];
  const one = (selector, root = document) => root.querySelector(selector);

  // The picture viewer starts on first use and is thrown away with the page it belongs to.
  let viewer = null;
  const zoom = () => {
    const image = one("img[data-viewer]");
    if (!image || typeof Viewer === "undefined") return;
    if (viewer && viewer.element !== image) { viewer.destroy(); viewer = null; }
    viewer ??= new Viewer(image, { navbar: false, title: false, button: true, loading: false, transition: false,
      toolbar: { zoomIn: 1, zoomOut: 1, oneToOne: 1, reset: 1 } });
    viewer.show();
  };

  const countDown = (bar) => {
    const shown = one(".left", bar);
    let left = Number(bar.dataset.seconds);
    const timer = setInterval(() => {
      left -= 1;
      if (left <= 0 || !bar.isConnected) { clearInterval(timer); bar.remove(); return; }
      shown.textContent = String(left);
    }, 1000);
  };

  // Unsaved words survive an accidental reload, in this tab only, and go when the verdict is saved.
  const keepDraft = (form) => {
    const key = `draft:${form.dataset.draft}`;
    const fields = () => all("input:not([type=hidden]), textarea", form);
    try {
      const kept = JSON.parse(sessionStorage.getItem(key) ?? "{}");
      for (const field of fields()) {
        const name = field.type === "radio" || field.type === "checkbox" ? `${field.name}=${field.value}` : field.name;
        if (!(name in kept)) continue;
        if (typeof kept[name] === "boolean") field.checked = kept[name]; else field.value = kept[name];
      }
    } catch { sessionStorage.removeItem(key); }
    form.addEventListener("input", () => {
      const values = {};
      for (const field of fields()) {
        if (field.type === "radio" || field.type === "checkbox") values[`${field.name}=${field.value}`] = field.checked;
        else values[field.name] = field.value;
      }
      sessionStorage.setItem(key, JSON.stringify(values));
    });
  };
  const forgetDrafts = () => {
    const open = all("form[data-draft]").map((form) => `draft:${form.dataset.draft}`);
    for (const key of Object.keys(sessionStorage)) {
      if (key.startsWith("draft:") && !open.includes(key)) sessionStorage.removeItem(key);
    }
  };

  const showOutcome = (form) => {
    const line = one("[data-outcome]", form);
    const answer = (name) => one(`input[name=${name}]:checked`, form)?.value;
    const [person, side] = [answer("orang"), answer("memihak")];
    const word = !person || !side ? "none" : person === "yes" && side === "yes" ? "confirm" : "dismiss";
    line.textContent = line.dataset[word];
    line.className = `outcome ${word}`;
  };

  const start = () => {
    for (const bar of all(".undo:not([data-started])")) { bar.dataset.started = "1"; countDown(bar); }
    for (const form of all("form.verdict:not([data-started])")) {
      form.dataset.started = "1";
      keepDraft(form);
      showOutcome(form);
      form.addEventListener("input", () => showOutcome(form));
    }
    forgetDrafts();
  };

  document.addEventListener("click", (event) => {
    const target = event.target.closest("[data-zoom], img[data-viewer], [data-copy], [data-fill], [data-open]");
    if (!target) return;
    if (target.matches("[data-zoom], img[data-viewer]")) zoom();
    if (target.dataset.open) one(`#${target.dataset.open}`).showModal();
    if (target.dataset.fill) {
      const field = one(`[name=${target.dataset.fill}]`, target.form ?? target.closest("form"));
      field.value = target.dataset.text;
      field.dispatchEvent(new Event("input", { bubbles: true }));
    }
    if (target.dataset.copy) {
      navigator.clipboard?.writeText(target.dataset.copy).then(() => {
        target.classList.add("copied");
        setTimeout(() => target.classList.remove("copied"), 1500);
      });
    }
  });

  const move = (step) => {
    const links = all("[data-list] > li > a");
    if (links.length === 0) { if (step > 0) one("[data-next]")?.click(); else one(".back")?.click(); return; }
    const place = links.indexOf(document.activeElement);
    links[Math.min(links.length - 1, Math.max(0, place + step))].focus();
  };
  const answer = (digit) => {
    const open = all("fieldset[data-question]").find((set) => one("[data-digit]", set) && !one("input:checked", set));
    if (!open) return;
    one(`[data-digit="${digit}"]`, open).click();
    open.scrollIntoView({ block: "center" });
  };

  // One press, one label: a key held down or struck twice must not answer for the next text.
  const press = (key) => {
    const pressed = one(`[data-press="${CSS.escape(key.toLowerCase())}"]`);
    pressed?.click();
    return Boolean(pressed);
  };
  document.addEventListener("submit", (event) => {
    const form = event.target.closest("form.sampling");
    if (!form) return;
    if (form.dataset.sent) event.preventDefault();
    form.dataset.sent = "1";
  });

  document.addEventListener("keydown", (event) => {
    const form = one("form.verdict");
    if (event.ctrlKey && event.key === "Enter" && form) { event.preventDefault(); form.requestSubmit(); return; }
    const typing = event.target.matches("textarea, select, input:not([type=radio], [type=checkbox])");
    if (typing || event.ctrlKey || event.altKey || event.metaKey || one("dialog[open], .viewer-in")) return;
    if (event.repeat || press(event.key)) return;
    if (event.key === "j") move(1);
    else if (event.key === "k") move(-1);
    else if (event.key === "z") zoom();
    else if (event.key === "?") one("#bantuan")?.showModal();
    else if (["1", "2", "3"].includes(event.key)) answer(event.key);
  });

  // A page that refreshes itself waits while somebody types in it or has something open.
  document.addEventListener("htmx:before:request", (event) => {
    const place = event.target.closest?.("[data-refresh]");
    if (place && event.target === place && one("details[open], input:focus, select:focus", place)) event.preventDefault();
  });

  document.addEventListener("htmx:after:swap", start);
  start();
})();
