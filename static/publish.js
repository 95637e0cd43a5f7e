/* The form of a publication: another template brings its own next number, and a number that is taken says so at once.
   The server decides all the same. */
(function () {
  "use strict";

  var picker = document.querySelector("[data-template]"), number = document.getElementById("id_number");
  if (!picker || !number) { return; }
  var fresh = document.querySelector("[data-new-template]"), note = document.querySelector("[data-taken-note]");
  var take = note.querySelector("[data-take]"), touched = false;

  function whole(text) {
    var parts = text.trim().split("-"), digits = parts[0].split(".");
    while (digits.length < 3) { digits.push("0"); }
    return digits.join(".") + (parts.length > 1 ? "-" + parts[1] : "");
  }

  function check() {
    var option = picker.options[picker.selectedIndex], taken = option.getAttribute("data-taken").split(" ");
    take.textContent = option.getAttribute("data-next");
    note.hidden = !taken.filter(Boolean).some(function (one) { return whole(one) === whole(number.value); });
  }

  function show() {
    fresh.open = picker.value === "";
    fresh.hidden = !fresh.open;
  }

  show();
  picker.addEventListener("change", function () {
    if (!touched) { number.value = picker.options[picker.selectedIndex].getAttribute("data-next"); }
    show();
    check();
  });
  number.addEventListener("input", function () { touched = true; check(); });
  take.addEventListener("click", function () { number.value = take.textContent; check(); number.focus(); });
})();
