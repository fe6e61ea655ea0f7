// Copy buttons: [data-copy] holds the text. Where the clipboard is not offered (plain http), a selection is copied.
"use strict";

function bySelection(text) {
  const box = document.createElement("textarea");
  box.value = text;
  box.className = "visually-hidden";
  document.body.append(box);
  box.select();
  const done = document.execCommand("copy");
  box.remove();
  return done ? Promise.resolve() : Promise.reject(new Error("not copied"));
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-copy]");
  if (!button) return;
  const text = button.dataset.copy;
  const written = navigator.clipboard ? navigator.clipboard.writeText(text) : bySelection(text);
  written.then(() => {
    const before = button.getAttribute("aria-label");
    button.classList.add("copied");
    button.setAttribute("aria-label", "Copied");
    setTimeout(() => {
      button.classList.remove("copied");
      if (before) button.setAttribute("aria-label", before);
      else button.removeAttribute("aria-label");
    }, 1500);
  }, () => {});
});

// A link to one variant opens it.
function openTarget() {
  const target = location.hash.length > 1 && document.getElementById(location.hash.slice(1));
  if (target && target.tagName === "DETAILS") {
    target.open = true;
    target.scrollIntoView({ block: "start" });
  }
}
window.addEventListener("hashchange", openTarget);
openTarget();
