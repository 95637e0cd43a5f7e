/* Buttons that copy a value. Without this script they are not shown: the value stands beside them and can be selected. */
(function () {
  "use strict";

  /* The clipboard proper is open only to pages that came over TLS or from this machine. */
  function byHand(text) {
    var area = document.createElement("textarea"), held = document.activeElement;
    area.value = text;
    area.className = "visually-hidden";
    document.body.appendChild(area);
    area.select();
    var done = document.execCommand("copy");
    area.remove();
    if (held) { held.focus(); }
    return done ? Promise.resolve() : Promise.reject();
  }

  function copied(button) {
    var said = button.getAttribute("aria-label");
    button.setAttribute("aria-label", button.getAttribute("data-done"));
    button.classList.add("done");
    window.setTimeout(function () {
      button.setAttribute("aria-label", said);
      button.classList.remove("done");
    }, 3000);
  }

  document.documentElement.classList.add("can-copy");
  document.addEventListener("click", function (event) {
    var button = event.target.closest("[data-copy]");
    if (!button || button.classList.contains("done")) { return; }
    var text = button.getAttribute("data-copy");
    (navigator.clipboard ? navigator.clipboard.writeText(text) : byHand(text)).then(function () { copied(button); }, function () { return null; });
  });
})();
