/* The log of a component, followed as it is written. It stays at the end unless the reader scrolls up. */
(function () {
  "use strict";
  var place = document.getElementById("log"), state = document.getElementById("log-state");
  if (!place || !window.ReadableStream || !window.TextDecoder) { return; }
  var most = 1000000;

  function put(text) {
    var last = place.scrollHeight - place.scrollTop - place.clientHeight < 24;
    var whole = place.textContent + text;
    place.textContent = whole.length > most ? whole.slice(-most) : whole;
    if (last) { place.scrollTop = place.scrollHeight; }
  }

  function tell(name) { state.textContent = place.getAttribute("data-" + name); }

  fetch(place.getAttribute("data-text"), { credentials: "same-origin" }).then(function (answer) {
    if (!answer.ok || !answer.body) { tell(answer.status === 404 ? "none" : "lost"); return null; }
    var reader = answer.body.getReader(), decoder = new TextDecoder();
    function more() {
      return reader.read().then(function (part) {
        if (part.done) { put(decoder.decode()); tell("end"); return null; }
        put(decoder.decode(part.value, { stream: true }));
        return more();
      });
    }
    return more();
  }).catch(function () { tell("lost"); });
})();
