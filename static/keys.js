/* Keys: `/` goes to the search of the page, `g` and a letter to a place, `?` shows them all. They can be switched off, and
   are never taken from where somebody types. Esc closes a question that was opened, and goes back to its button. */
(function () {
  "use strict";
  var OFF = "waybill.keys", WAIT = 1200, before = 0;
  var dialog = document.getElementById("keys"), opener = null;

  function isOff() {
    try { return window.localStorage.getItem(OFF) === "off"; } catch (error) { return false; }
  }

  function remember(off) {
    try {
      if (off) { window.localStorage.setItem(OFF, "off"); } else { window.localStorage.removeItem(OFF); }
    } catch (error) { /* a browser that keeps nothing: for this page only */ }
  }

  function types(target) {
    return target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.nodeName);
  }

  function search() {
    var field = document.querySelector("#main input[type=search]:not([disabled])");
    if (!field || !field.offsetParent) { return false; }
    field.focus();
    field.select();
    return true;
  }

  function go(letter) {
    var place = document.querySelector('.rail [data-key="' + letter + '"]');
    if (place) { window.location.assign(place.href); }
    return place !== null;
  }

  function open() {
    if (!dialog || !dialog.showModal || dialog.open) { return; }
    opener = document.activeElement;
    dialog.querySelector("[data-keys-on]").checked = !isOff();
    dialog.showModal();
  }

  document.addEventListener("keydown", function (event) {
    var key = event.key, waiting = Date.now() - before < WAIT;
    if (key === "Escape") { shut(event.target); return; }
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented || types(event.target)) { return; }
    if (isOff() || (dialog && dialog.open) || document.querySelector(".modal-open, .offcanvas-md.show")) { return; }
    before = 0;
    if (waiting && go(key)) { event.preventDefault(); return; }
    if (key === "g") { before = Date.now(); return; }
    if (key === "?") { event.preventDefault(); open(); return; }
    if (key === "/" && search()) { event.preventDefault(); }
  });

  /* --- Questions ----------------------------------------------------------------------------------------------- */

  function shut(target) {
    var question = target.closest("details.confirm[open]") || document.querySelector("details.confirm[open]");
    if (!question) { return; }
    question.open = false;
    question.querySelector("summary").focus();
  }

  document.addEventListener("click", function (event) {
    document.querySelectorAll("details.confirm[open]").forEach(function (question) {
      if (!question.contains(event.target)) { question.open = false; }
    });
  });

  /* --- The list of keys ------------------------------------------------------------------------------------------ */

  if (!dialog || !dialog.showModal) { return; }
  document.querySelectorAll("[data-keys]").forEach(function (button) {
    button.hidden = false;
    button.addEventListener("click", open);
  });
  dialog.querySelector("[data-keys-close]").addEventListener("click", function () { dialog.close(); });
  dialog.querySelector("[data-keys-on]").addEventListener("change", function (event) { remember(!event.target.checked); });
  dialog.addEventListener("close", function () { if (opener) { opener.focus(); } });
  dialog.addEventListener("click", function (event) { if (event.target === dialog) { dialog.close(); } });
})();
