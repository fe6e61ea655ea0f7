// Keeps the parts of a page fresh: asks [data-live] for its [data-part]s. Where only words and bars have changed
// ([data-key]), only they are set, so that nothing jumps; else the part is laid anew, unless somebody is in it.
"use strict";

const shape = (node) =>
  [...node.querySelectorAll("[data-key], form, a, h2, button")]
    .map((e) => e.dataset.key || e.getAttribute("action") || e.getAttribute("href") || `${e.textContent}${e.disabled}`)
    .join("\n");

function freshen(part, html) {
  const fresh = document.createElement("div");
  fresh.innerHTML = html;
  if (shape(fresh) === shape(part)) {
    for (const now of fresh.querySelectorAll("[data-key]")) {
      const old = part.querySelector(`[data-key="${CSS.escape(now.dataset.key)}"]`);
      if (now.tagName === "PROGRESS") {
        old.max = now.max;
        old.value = now.value;
      } else if (old.innerHTML !== now.innerHTML) {
        old.innerHTML = now.innerHTML;
      }
    }
  } else if (!part.contains(document.activeElement)) {
    const opened = part.querySelector("details[open]");
    part.replaceChildren(...fresh.childNodes);
    const again = opened && part.querySelector("details");
    if (again) again.open = true;
  }
}

function count(findings) {
  const badge = document.querySelector(".mainnav .count");
  if (!badge) return;
  badge.textContent = findings > 999 ? "999+" : findings;
  badge.hidden = findings === 0;
}

function keepFresh(place) {
  const title = document.title;
  let tag = "";
  const ask = async () => {
    let wait = 10;
    try {
      const headers = tag ? { "If-None-Match": tag } : {};
      const answer = await fetch(place.dataset.live, { headers, cache: "no-store", credentials: "same-origin" });
      wait = Number(place.dataset.again) || wait;
      if (answer.ok && !answer.redirected) {
        tag = answer.headers.get("ETag") || "";
        const said = await answer.json();
        for (const part of place.querySelectorAll("[data-part]")) {
          if (part.dataset.part in said.parts) freshen(part, said.parts[part.dataset.part]);
        }
        count(said.findings);
        document.title = said.percent === null ? title : `${said.percent} % · ${title}`;
        place.dataset.again = wait = said.again;
      } else if (answer.redirected) {
        return; // logged out meanwhile
      }
    } catch {
      wait = 15; // the site is being started anew
    }
    later(wait);
  };
  const later = (seconds) => setTimeout(() => (document.hidden ? later(seconds) : ask()), seconds * 1000);
  later(1);
}

document.querySelectorAll("[data-live]").forEach(keepFresh);
