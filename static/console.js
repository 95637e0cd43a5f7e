/* What pages do beyond plain HTML. Everything here is an extra: each page works without it. */
(function () {
  "use strict";

  /* A running operation: the server's own HTML, fetched again whenever its event stream speaks. Where streams do not
     pass, it is asked every 2 seconds, every 10 while the page is hidden, and never again once it has ended. */
  function follow(root) {
    var parts = root.getAttribute("data-live"), source = null, busy = false, again = false, timer = 0, title = document.title;
    var every = parseInt(root.getAttribute("data-every") || "2000", 10);

    function ended() { return root.querySelector("[data-ended]") !== null; }

    /* Hidden fields of forms are new in every answer; alone they are no news, and a button is not replaced under a finger. */
    function plain(piece) { return piece.innerHTML.replace(/<input type="hidden"[^>]*>/g, ""); }

    function put(html) {
      var fresh = new DOMParser().parseFromString(html, "text/html");
      fresh.querySelectorAll("[data-part]").forEach(function (piece) {
        var old = root.querySelector('[data-part="' + piece.getAttribute("data-part") + '"]');
        if (!old || plain(old) === plain(piece)) { return; }
        var log = old.querySelector("[data-follow-log]");
        var place = log ? log.scrollTop : 0, last = log ? log.scrollHeight - log.scrollTop - log.clientHeight < 24 : false;
        var held = old.contains(document.activeElement) ? document.activeElement.id : "";
        old.innerHTML = piece.innerHTML;
        log = old.querySelector("[data-follow-log]");
        if (log) { log.scrollTop = last ? log.scrollHeight : place; }
        if (held && document.getElementById(held)) { document.getElementById(held).focus(); }
      });
      var bar = root.querySelector("progress.big");
      document.title = bar && !ended() ? "(" + bar.getAttribute("value") + "%) " + title : title;
    }

    function ask() {
      if (busy) { again = true; return; }
      busy = true;
      fetch(parts, { headers: { "X-Requested-With": "fetch" }, credentials: "same-origin" }).then(function (answer) {
        return answer.ok ? answer.text() : Promise.reject(answer.status);
      }).then(put).catch(function () { return null; }).then(function () {
        busy = false;
        if (ended()) { stop(); return; }
        if (again) { again = false; window.setTimeout(ask, 250); }
      });
    }

    function poll() {
      window.clearTimeout(timer);
      if (ended()) { return; }
      timer = window.setTimeout(function () { ask(); poll(); }, document.hidden ? 10000 : every);
    }

    function stop() {
      window.clearTimeout(timer);
      if (source) { source.close(); source = null; }
    }

    if (ended()) { return; }
    if (!window.EventSource || !root.hasAttribute("data-events")) { poll(); return; }
    source = new EventSource(root.getAttribute("data-events"));
    source.addEventListener("operation", ask);
    source.addEventListener("log", ask);
    source.onerror = function () { if (source && source.readyState === EventSource.CLOSED) { source = null; poll(); } };
    source.onopen = ask;
  }

  document.querySelectorAll("[data-live]").forEach(follow);
  document.addEventListener("live", function (event) { follow(event.target); });

  document.querySelectorAll("[data-follow-log]").forEach(function (log) { log.scrollTop = log.scrollHeight; });

  /* A form is sent once: a second press while the first is under way does nothing. */
  document.addEventListener("submit", function (event) {
    var form = event.target;
    if (form.hasAttribute("data-sent")) { event.preventDefault(); return; }
    form.setAttribute("data-sent", "");
  });
  window.addEventListener("pageshow", function () {
    document.querySelectorAll("form[data-sent]").forEach(function (form) { form.removeAttribute("data-sent"); });
  });

  /* A problem that the page opened with is read first. */
  var problem = document.querySelector('[role="alert"][tabindex="-1"]');
  if (problem) { problem.focus(); }
})();
