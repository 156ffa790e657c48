// Makes the page livelier; without it everything works with forms and a refresh link.
// Nothing is kept in the browser's stores. Text is put in as text, never as HTML.
(function () {
  "use strict";
  var IDLE_MS = 600000, TRIES_MS = [2000, 4000, 8000, 15000, 30000];
  var byId = function (id) { return document.getElementById(id); };
  var log = byId("log"), choices = byId("choices"), write = byId("write"), box = byId("t");
  var intro = byId("intro"), state = byId("state"), refresh = byId("refresh"), leave = byId("leave");
  var last = +log.dataset.last, outgoing = [], shadows = [], retry = 0, isSending = false, isLive = false, isGone = false;
  var seenAt = Date.now(), wasHere = true, misses = 0, asking = null;
  var root = document.documentElement, words = JSON.parse(document.body.dataset.words || "{}"), marked = [];
  var frames = { fa: { language: "fa", direction: "rtl", words: {} } };
  frames[root.lang] = { language: root.lang, direction: root.dir, words: words };

  function node(name, className, text) {
    var made = document.createElement(name);
    if (className) made.className = className;
    if (text) made.textContent = text;
    return made;
  }

  // --- the frame's words: Persian is the source, another language comes with the page or with what is said in it
  function w(text) { return words[text] || text; }
  function mark() {
    var persian = {};
    Object.keys(words).forEach(function (text) { persian[words[text]] = text; });
    document.querySelectorAll("[data-w]").forEach(function (one) {
      var at = one.dataset.w, said = at ? one.getAttribute(at) : one.textContent;
      marked.push({ node: one, at: at, text: persian[said] || said });
    });
  }
  function speak(frame) {
    if (root.lang === frame.language) return;
    log.querySelectorAll("li:not([lang])").forEach(function (item) { item.lang = root.lang; });
    words = frame.words;
    root.lang = frame.language;
    root.dir = frame.direction;
    marked.forEach(function (one) {
      if (one.at) one.node.setAttribute(one.at, w(one.text));
      else one.node.textContent = w(one.text);
    });
    document.title = document.querySelector("header strong").textContent;
  }
  function follow(answer) {
    if (answer.frame) frames[answer.frame.language] = answer.frame;
    var isNew = answer.messages.some(function (message) { return message.id > last && message.author !== "contact"; });
    if (isNew && frames[answer.speaks]) speak(frames[answer.speaks]); // what came late shows nothing, so it tells nothing
  }
  function asks() { return { "X-Page": "1", "X-Language": root.lang }; }
  function toEnd() { window.scrollTo(0, document.documentElement.scrollHeight); }
  function say(text) { state.textContent = text; }
  function newId() {
    return Array.from(crypto.getRandomValues(new Uint8Array(16)), function (byte) {
      return ("0" + byte.toString(16)).slice(-2);
    }).join("");
  }

  // --- what comes in
  function bubble(message) {
    var item = node("li", message.author === "contact" ? "mine" : "ours"), text = node("p");
    text.dir = "auto";
    if (message.language) item.lang = message.language;
    if (message.author === "staff") item.append(node("b", "", w("همکار ما")));
    message.pieces.forEach(function (piece) {
      var part = piece[0] === "tel" ? node("a", "", piece[1]) : document.createTextNode(piece[1]);
      if (piece[0] === "tel") part.href = "tel:" + piece[1];
      text.append(part);
    });
    item.append(text, node("time", "", message.at));
    item.shownAt = Date.now();
    return item;
  }
  function offer(found, message) {
    choices.lang = (message && message.language) || "";
    choices.dir = (message && message.direction) || "";
    choices.querySelectorAll("button").forEach(function (button) { button.remove(); });
    found.forEach(function (choice) {
      var button = node("button", "", choice[0]);
      button.name = "p";
      button.value = choice[1];
      choices.append(button);
    });
    choices.hidden = !found.length;
  }
  function show(messages) {
    messages.forEach(function (message) {
      if (message.id <= last) return;
      last = message.id;
      intro.hidden = true;
      if (message.author === "contact") {
        var shadow = shadows.shift(); // it has become real
        if (shadow) shadow.item.remove();
        offer([]);
      } else {
        say("");
        if (message.choices.length) offer(message.choices, message);
      }
      var item = bubble(message);
      if (message.choices.length) asking = item;
      log.insertBefore(item, firstShadow());
    });
    if (messages.length) toEnd();
  }
  function firstShadow() {
    var waiting = shadows.concat(outgoing).find(function (one) { return one.item.parentNode; });
    return waiting ? waiting.item : null;
  }

  // --- what goes out: in order, each with its own id, so that a second try is no second message
  function send(name, value, shown) {
    var item = node("li", "mine going");
    item.append(node("p", "", shown));
    item.firstChild.dir = "auto";
    log.append(item);
    outgoing.push({ name: name, value: value, id: newId(), item: item, tries: 0 });
    intro.hidden = true;
    offer([]);
    here();
    toEnd();
    next();
  }
  function next() {
    var one = outgoing[0];
    if (!one || isSending) return;
    isSending = true;
    var form = new URLSearchParams();
    form.set("n", one.id);
    form.set("a", String(last));
    form.set(one.name, one.value);
    one.item.className = "mine going";
    post(form).then(function (answer) {
      outgoing.shift();
      if (answer.duplicate) one.item.remove(); // an earlier try had arrived: it is, or will be, in the log
      else shadows.push(one);
      one.item.className = "mine";
      if (one.again) one.again.remove();
      say(w("پیام شما رسید. پاسخ تا چند لحظهٔ دیگر می‌آید."));
      if (answer.gone) return go(true); // she left by a word
      follow(answer);
      show(answer.messages);
      last = Math.max(last, answer.last);
      listen();
    }, function (error) {
      lost(one, error);
    }).then(function () {
      isSending = false;
      if (outgoing[0] && !outgoing[0].tries) next();
    });
  }
  function post(form) {
    return ask("/", { method: "POST", body: form }, 15000);
  }
  function ask(url, options, limit) { // what is given up is ended: on a dead line six that hang would hold the next cry back
    var end = window.AbortController ? new AbortController() : null, slow;
    options.headers = asks();
    if (end) options.signal = end.signal;
    var asked = Promise.race([fetch(url, options), new Promise(function (_, fail) {
      slow = setTimeout(function () {
        fail(new Error("slow"));
        if (end) end.abort();
      }, limit);
    })]);
    var over = function () { clearTimeout(slow); };
    asked.then(over, over);
    return asked.then(read);
  }
  function read(response) {
    if (response.ok) return response.json();
    return response.json().then(function (found) {
      var error = new Error("refused");
      error.sentence = found.error;
      error.isFinal = response.status === 413;
      throw error;
    });
  }
  function lost(one, error) {
    one.item.className = "mine lost";
    if (!one.again) {
      one.again = node("button", "", w("فرستاده نشد، دوباره"));
      one.again.type = "button";
      one.again.addEventListener("click", next);
      one.item.append(one.again);
    }
    say(error.sentence || w("اتصال قطع است. خودمان دوباره می‌فرستیم. کار فوری: 123"));
    one.tries += 1;
    toEnd();
    clearTimeout(retry);
    if (!error.isFinal) retry = setTimeout(next, TRIES_MS[Math.min(one.tries, TRIES_MS.length) - 1]);
  }

  // --- listening: a long poll at a time; slower after misses, and the link when it does not come back
  function listen() {
    if (isLive || isGone) return;
    isLive = true;
    poll();
  }
  function poll() {
    var at = "/new?after=" + last + "&here=" + (wasHere ? 1 : 0);
    wasHere = false;
    ask(at, {}, 45000).then(function (answer) {
      misses = 0;
      refresh.hidden = true;
      hold(answer);
      setTimeout(poll, 200);
    }).catch(function () {
      misses += 1;
      refresh.hidden = misses < 3;
      setTimeout(poll, TRIES_MS[Math.min(misses, TRIES_MS.length - 1)]);
    });
  }
  function hold(answer) { // while a message is on its way, its answer tells all in the right order
    if (isSending) return setTimeout(function () { hold(answer); }, 150);
    if (answer.gone && answer.last > last) clear();
    follow(answer);
    show(answer.messages);
    last = Math.max(last, answer.last);
  }

  // --- leaving
  function go(isTold) {
    isGone = true;
    log.textContent = "";
    document.body.hidden = true;
    if (isTold !== true && navigator.sendBeacon) navigator.sendBeacon("/leave?beacon");
    location.replace(leave.dataset.to);
  }
  leave.addEventListener("click", function (event) { event.preventDefault(); go(); });
  var presses = [];
  document.addEventListener("keydown", function (event) {
    if (event.key !== "Escape" && event.key !== "Shift") { presses = []; return; }
    if (event.repeat) return;
    var now = Date.now();
    presses = presses.filter(function (at) { return now - at < 1500; }).concat(now);
    if (presses.length >= 3) go();
  });

  // --- idle, or brought back by the browser: nothing stays on the screen longer than that, and what comes now stays as long
  function here() { seenAt = Date.now(); wasHere = true; }
  ["pointerdown", "touchmove", "wheel", "keydown", "input"].forEach(function (kind) {
    document.addEventListener(kind, function (event) { if (event.isTrusted) here(); }, { passive: true });
  });
  function hideWhenIdle() {
    var idle = Date.now() - IDLE_MS;
    if (seenAt > idle) return;
    Array.from(log.children).forEach(function (item) { if ((item.shownAt || seenAt) <= idle) item.remove(); });
    box.value = "";
    if (!log.contains(asking)) offer([]);
    if (!log.children.length) clear();
  }
  function clear() {
    log.textContent = "";
    box.value = "";
    offer([]);
    say("");
    speak(frames.fa);
    intro.hidden = false;
  }
  setInterval(hideWhenIdle, 5000);
  document.addEventListener("visibilitychange", hideWhenIdle);
  window.addEventListener("pageshow", function (event) { if (event.persisted) location.reload(); });
  window.addEventListener("online", function () { if (outgoing[0]) next(); });

  // --- forms
  function grow() { box.style.height = "auto"; box.style.height = box.scrollHeight + "px"; }
  function submitText(event) {
    event.preventDefault();
    var text = box.value.trim();
    if (!text) return;
    box.value = "";
    grow();
    send("t", text, text);
  }
  write.addEventListener("submit", submitText);
  box.addEventListener("input", grow);
  box.addEventListener("keydown", function (event) {
    if (event.key === "Enter" && !event.shiftKey && !event.isComposing && matchMedia("(pointer: fine)").matches) submitText(event);
  });
  document.addEventListener("click", function (event) {
    var button = event.target.closest("button[name=p]");
    if (!button) return;
    event.preventDefault();
    send("p", button.value, button.value === "start" ? "سلام" : button.textContent);
  });
  mark();
  refresh.hidden = true;
  if (log.children.length) { listen(); toEnd(); }
}());
