/* The theme before the first paint: the person's choice, which the server wrote, or the system's. */
(function () {
  "use strict";
  var root = document.documentElement;
  if (root.getAttribute("data-theme") === "auto" && window.matchMedia("(prefers-color-scheme: dark)").matches) {
    root.setAttribute("data-bs-theme", "dark");
  }
})();
