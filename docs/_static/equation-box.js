/* Copy a formula's LaTeX. Works from file:// too, where the clipboard's own interface may be closed. */
(function () {
  "use strict";

  function copyBySelection(text) {
    const area = document.createElement("textarea");
    area.value = text;
    area.setAttribute("readonly", "");
    area.style.position = "fixed";
    area.style.opacity = "0";
    document.body.appendChild(area);
    area.select();
    const done = document.execCommand("copy");
    area.remove();
    return done;
  }

  async function copy(text) {
    if (navigator.clipboard) {
      try {
        await navigator.clipboard.writeText(text);
        return true;
      } catch (error) {
        /* Refused: the older way may still work. */
      }
    }
    return copyBySelection(text);
  }

  function prepare(button) {
    const words = button.textContent;
    button.hidden = false;
    button.setAttribute("aria-live", "polite");
    button.addEventListener("click", async () => {
      const done = await copy(button.dataset.latex);
      button.focus();
      button.textContent = done ? "Copied" : "Not copied";
      window.setTimeout(() => { button.textContent = words; }, 2000);
    });
  }

  /* Open what is folded where a link leads into it. */
  function openTarget() {
    const target = location.hash.length > 1 && document.getElementById(decodeURIComponent(location.hash.slice(1)));
    const box = target && target.closest("details");
    if (box) { box.open = true; }
  }

  document.addEventListener("DOMContentLoaded", () => {
    document.querySelectorAll("button.equation-copy").forEach(prepare);
    openTarget();
  });
  window.addEventListener("hashchange", openTarget);
})();
