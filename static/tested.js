/* A form that is saved once it was tested: its button says so at once, while it is filled in. The server holds the same
   rule; without this script the button is pressed and the answer explains. */
(function () {
  "use strict";

  function watch(form) {
    var tick = form.querySelector('[name="save_untested"]');

    function changed() {
      return Array.prototype.some.call(form.elements, function (field) {
        if (field === tick || !field.name || field.type === "hidden" || field.type === "submit") { return false; }
        return field.type === "checkbox" ? field.checked !== field.defaultChecked : field.value !== field.defaultValue;
      });
    }

    function judge() {
      var button = form.querySelector("[data-passed]"), why = form.querySelector("[data-changed]");
      var passed = button.getAttribute("data-passed") === "yes", left = !changed();
      var ready = (passed && left) || (tick && tick.checked), said = why.getAttribute("data-said") || why.textContent;
      var words = passed && !left ? why.getAttribute("data-changed") : said;
      if (why.textContent !== words) { why.setAttribute("data-said", said); why.textContent = words; }
      if (ready === !button.hasAttribute("aria-disabled")) { return; }
      if (ready) { button.removeAttribute("aria-disabled"); } else { button.setAttribute("aria-disabled", "true"); }
    }

    form.addEventListener("input", judge);
    form.addEventListener("change", judge);
    form.addEventListener("submit", function (event) {
      var button = event.submitter;
      if (button && button.getAttribute("aria-disabled") === "true") {
        event.preventDefault();
        event.stopPropagation();
        if (tick) { tick.focus(); }
      }
    });
    new MutationObserver(judge).observe(form, { attributes: true, characterData: true, childList: true, subtree: true });
    judge();
  }

  document.querySelectorAll("[data-tested-form]").forEach(watch);
})();
