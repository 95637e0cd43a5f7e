/* Logs: kept at their end while they grow, unless the reader scrolls up; searched within; the log of a component is read
   as it is written. */
(function () {
  "use strict";
  var MOST = 1000000;

  /* What every log has: a place that scrolls, a tick that keeps it at its end, a field to search with. */
  function log(root) {
    var body = root.querySelector("[data-log-body]"), find = root.querySelector("[data-log-find]");
    var tick = root.querySelector("[data-log-follow]"), newest = root.querySelector("[data-log-newest]");
    var count = root.querySelector("[data-log-count]"), last = 0, whole = "";
    var streams = body.hasAttribute("data-text");

    function isAtEnd() { return body.scrollHeight - body.scrollTop - body.clientHeight < 24; }

    function follows() { return tick === null || tick.checked; }

    function set(on) {
      if (tick) { tick.checked = on; }
      if (newest) { newest.hidden = follows(); }
      if (on) { body.scrollTop = body.scrollHeight; }
    }

    function wanted() { return find.value.trim().toLowerCase(); }

    function told(shown, all) {
      var words = wanted() ? count.getAttribute("data-words").replace("{n}", shown).replace("{all}", all) : "";
      if (count.textContent !== words) { count.textContent = words; }
    }

    function sift() {
      var word = wanted(), shown = 0, lines;
      if (streams) {
        lines = whole.split("\n");
        if (lines[lines.length - 1] === "") { lines.pop(); }
        var found = word ? lines.filter(function (line) { return line.toLowerCase().indexOf(word) !== -1; }) : lines;
        body.textContent = found.length ? found.join("\n") + "\n" : "";
        told(found.length, lines.length);
        return;
      }
      lines = body.querySelectorAll("[data-line]");
      lines.forEach(function (line) {
        var out = word !== "" && line.textContent.toLowerCase().indexOf(word) === -1;
        if (line.hidden !== out) { line.hidden = out; }
        shown += out ? 0 : 1;
      });
      told(shown, lines.length);
    }

    function changed() {
      sift();
      if (follows()) { body.scrollTop = body.scrollHeight; }
    }

    function add(text) {
      var before = whole.length;
      whole += text;
      if (whole.length > MOST) { whole = whole.slice(whole.indexOf("\n", whole.length - MOST) + 1); }
      if (wanted() || whole.length !== before + text.length) { changed(); return; }
      body.appendChild(document.createTextNode(text));
      if (follows()) { body.scrollTop = body.scrollHeight; }
    }

    body.addEventListener("scroll", function () {
      var top = body.scrollTop;
      if (top < last && !isAtEnd() && follows() && tick) { set(false); }
      if (top > last && isAtEnd() && !follows()) { set(true); }
      last = top;
    });
    if (tick) { tick.addEventListener("change", function () { set(tick.checked); }); }
    if (newest) { newest.addEventListener("click", function () { set(true); body.focus(); }); }
    find.addEventListener("input", changed);
    find.form.addEventListener("submit", function (event) { event.preventDefault(); });
    root.querySelectorAll("[data-scripted]").forEach(function (part) { part.hidden = false; });
    if (!streams) {
      new MutationObserver(changed).observe(body, {
        attributes: true, attributeFilter: ["hidden"], characterData: true, childList: true, subtree: true
      });
    }
    changed();
    return { body: body, add: add };
  }

  function read(open) {
    var body = open.body, state = document.getElementById("log-state");

    function tell(name) { state.textContent = body.getAttribute("data-" + name); }

    fetch(body.getAttribute("data-text"), { credentials: "same-origin" }).then(function (answer) {
      if (!answer.ok || !answer.body) { tell(answer.status === 404 ? "none" : "lost"); return null; }
      var reader = answer.body.getReader(), decoder = new TextDecoder();
      function more() {
        return reader.read().then(function (part) {
          if (part.done) { open.add(decoder.decode()); tell("end"); return null; }
          open.add(decoder.decode(part.value, { stream: true }));
          return more();
        });
      }
      return more();
    }).catch(function () { tell("lost"); });
  }

  document.querySelectorAll("[data-log]").forEach(function (root) {
    var open = log(root);
    if (open.body.hasAttribute("data-text") && window.ReadableStream && window.TextDecoder) { read(open); }
  });
})();
