/* Plans: a form that says what would be done asks the cluster by itself, and again when it is changed. Without this
   script its button does the same. */
(function () {
  "use strict";

  function planned(form) {
    var box = form.querySelector("[data-plan-box]"), timer = 0, turn = 0;

    function chosen() {
      var places = form.querySelectorAll('input[name="environments"]');
      return places.length === 0 || form.querySelector('input[name="environments"]:checked') !== null;
    }

    function ask() {
      var mine = turn += 1, sent = new FormData(form);
      if (!box || !chosen()) { return; }
      sent.set("do", "plan");
      sent.delete("plan_id");
      box.setAttribute("aria-busy", "true");
      fetch(form.getAttribute("action"), {
        method: "POST", body: sent, headers: { "X-Requested-With": "fetch" }, credentials: "same-origin"
      }).then(function (answer) {
        return answer.ok ? answer.text() : Promise.reject(answer.status);
      }).then(function (html) {
        if (mine !== turn) { return; }
        box.innerHTML = new DOMParser().parseFromString(html, "text/html").body.innerHTML;
        box.querySelectorAll("[data-live]").forEach(function (part) {
          part.dispatchEvent(new Event("live", { bubbles: true }));
        });
      }).catch(function () { return null; }).then(function () { box.removeAttribute("aria-busy"); });
    }

    /* Several environments: fields for what is different in one of them, which the page does not have yet. */
    function others() {
      var own = form.querySelector("[data-own-box]"), sent = new FormData(form);
      if (!own) { return Promise.resolve(); }
      sent.set("do", "own");
      return fetch(form.getAttribute("action"), {
        method: "POST", body: sent, headers: { "X-Requested-With": "fetch" }, credentials: "same-origin"
      }).then(function (answer) {
        return answer.ok ? answer.text() : Promise.reject(answer.status);
      }).then(function (html) {
        var fresh = new DOMParser().parseFromString(html, "text/html"), several = fresh.querySelector("details") !== null;
        own.querySelectorAll("details[open]").forEach(function (part) {
          var same = fresh.getElementById(part.id);
          if (same) { same.open = true; }
        });
        own.innerHTML = fresh.body.innerHTML;
        form.querySelectorAll("[data-needed], [name^='values_'][required]").forEach(function (field) {
          field.setAttribute("data-needed", "");
          field.required = !several;
        });
      }).catch(function () { return null; });
    }

    form.addEventListener("change", function (event) {
      var target = event.target, look;
      if (target.hasAttribute("data-look")) {
        look = document.createElement("input");
        look.type = "hidden"; look.name = "do"; look.value = "look";
        form.appendChild(look);
        form.submit();
        return;
      }
      if (target.name === "environments") {
        target.closest(".pick").classList.toggle("on", target.checked);
        others();
      }
      if (target.name === "consents") { return; }
      form.querySelectorAll('input[name="plan_id"]').forEach(function (held) { held.remove(); });
      window.clearTimeout(timer);
      timer = window.setTimeout(ask, 600);
    });

    if (form.getAttribute("data-plan") === "now") { ask(); }
  }

  document.querySelectorAll("form[data-plan]").forEach(planned);

  document.querySelectorAll("select[data-go]").forEach(function (picker) {
    picker.addEventListener("change", function () { picker.form.submit(); });
  });
})();
