/* While somebody fills in a form: the session does not end under their hands, and what is typed is not left by mistake.
   Without this script a form that comes too late is refused, and says so. */
(function () {
  "use strict";

  var EVERY = 60000, last = Date.now(), dirty = new Set();

  /* Any request that a person's act leads to counts as being there. */
  function here() {
    if (Date.now() - last < EVERY) { return; }
    last = Date.now();
    fetch("/api/v1/me", { credentials: "same-origin" }).then(function (answer) {
      var note = document.getElementById("signed-out");
      if (answer.status === 401 && note) { note.hidden = false; }
    }).catch(function () { return null; });
  }

  document.addEventListener("input", function (event) {
    var form = event.target.form;
    if (!form || form.method !== "post") { return; }
    here();
    if (form.hasAttribute("data-guard")) { dirty.add(form); }
  });
  document.addEventListener("submit", function (event) { dirty.delete(event.target); });
  /* What is kept for this tab is not lost by leaving. */
  document.addEventListener("kept", function () { dirty.clear(); });
  window.addEventListener("beforeunload", function (event) {
    if (dirty.size > 0) { event.preventDefault(); }
  });
})();
