/* What pages do beyond plain HTML. Everything here is an extra: each page works without it. */
(function () {
  "use strict";

  /* Bring a piece of the page in step with the server's newer one, changing nothing that is the same: focus, selection,
     opened parts and what is being typed stay. */
  function alike(one, other) {
    return one.nodeType === other.nodeType && one.nodeName === other.nodeName && (one.id || "") === (other.id || "");
  }

  function dress(old, fresh) {
    Array.from(fresh.attributes).forEach(function (each) {
      if (each.name === "open" && old.nodeName === "DETAILS") { return; }
      if (old.getAttribute(each.name) !== each.value) { old.setAttribute(each.name, each.value); }
    });
    Array.from(old.attributes).forEach(function (each) {
      if (each.name === "open" || each.name === "data-sent" || fresh.hasAttribute(each.name)) { return; }
      old.removeAttribute(each.name);
    });
  }

  function morph(old, fresh) {
    var at = old.firstChild, child = fresh.firstChild, next, found;
    if (old.nodeType !== Node.ELEMENT_NODE) {
      if (old.data !== fresh.data) { old.data = fresh.data; }
      return;
    }
    dress(old, fresh);
    for (; child; child = child.nextSibling) {
      if (at && alike(at, child)) { next = at.nextSibling; morph(at, child); at = next; continue; }
      for (found = at && at.nextSibling; found && !(child.id && alike(found, child)); found = found.nextSibling) { /* on */ }
      if (found) { old.insertBefore(found, at); morph(found, child); } else { old.insertBefore(child.cloneNode(true), at); }
    }
    while (at) { next = at.nextSibling; at.remove(); at = next; }
  }

  /* A running operation: the server's own HTML, fetched again whenever its event stream speaks, and now and then besides:
     something on the way may hold the stream back. Where streams do not pass, it is asked every 2 seconds, every 10 while
     the page is hidden, and never again once it has ended. */
  function follow(root) {
    var parts = root.getAttribute("data-live"), source = null, busy = false, again = false, stopped = false, timer = 0, misses = 0;
    var title = document.title.replace(/^\(\d+%\) /, "");
    var every = parseInt(root.getAttribute("data-every") || "2000", 10);

    function ended() { return root.querySelector("[data-ended]") !== null; }

    function put(html) {
      var fresh = new DOMParser().parseFromString(html, "text/html");
      fresh.querySelectorAll("[data-part]").forEach(function (piece) {
        var old = root.querySelector('[data-part="' + piece.getAttribute("data-part") + '"]');
        if (!old) { return; }
        var left = old.querySelector("[data-left]"), before = left ? Number(left.getAttribute("data-left")) : 0;
        morph(old, piece);
        slower(old.querySelector("[data-left]"), before);
      });
      reframe(fresh);
      var bar = root.querySelector("progress.big");
      document.title = bar && !ended() ? "(" + bar.getAttribute("value") + "%) " + title : title;
    }

    /* An estimate that grows is not counted up in silence. */
    function slower(left, before) {
      if (!left || !before) { return; }
      var grew = Number(left.getAttribute("data-left")) > before + 20;
      left.hidden = grew;
      left.nextElementSibling.hidden = !grew;
    }

    function ask() {
      if (busy) { again = true; return; }
      busy = true;
      fetch(parts, { headers: { "X-Requested-With": "fetch" }, credentials: "same-origin" }).then(function (answer) {
        if (answer.redirected && new URL(answer.url).pathname.indexOf("/auth/") === 0) { gone(); }
        return answer.ok ? answer.text() : Promise.reject(answer.status);
      }).then(put).catch(function () { return null; }).then(function () {
        busy = false;
        if (stopped || ended()) { stop(); frame(); return; }
        if (again) { again = false; window.setTimeout(ask, 250); }
      });
    }

    /* Signed out meanwhile: what is shown grows old, and says so. What was typed stays where it is. */
    function gone() {
      var note = document.getElementById("signed-out");
      if (note) { note.hidden = false; }
      stop();
      stopped = true;
    }

    function poll() {
      window.clearTimeout(timer);
      if (stopped || ended()) { return; }
      timer = window.setTimeout(function () { ask(); poll(); }, source ? 15000 : document.hidden ? 10000 : every);
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
    source.onerror = function () {
      misses += 1;
      if (source && (source.readyState === EventSource.CLOSED || misses > 2)) { source.close(); source = null; poll(); }
    };
    source.onopen = function () { misses = 0; ask(); };
    poll();
  }

  /* What the frame around the page says runs is asked for once more when something ended. */
  function frame() {
    if (!document.querySelector('[data-shell="running"] a')) { return; }
    fetch(window.location.href, { credentials: "same-origin" }).then(function (answer) {
      return answer.ok && !answer.redirected ? answer.text() : Promise.reject(answer.status);
    }).then(function (html) {
      reframe(new DOMParser().parseFromString(html, "text/html"));
    }).catch(function () { return null; });
  }

  /* News that came as a whole page bring the newest frame along. */
  function reframe(fresh) {
    document.querySelectorAll("[data-shell]").forEach(function (old) {
      var piece = fresh.querySelector('[data-shell="' + old.getAttribute("data-shell") + '"]');
      if (piece) { morph(old, piece); }
    });
  }

  document.querySelectorAll("[data-live]").forEach(follow);
  document.addEventListener("live", function (event) { follow(event.target); });

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
