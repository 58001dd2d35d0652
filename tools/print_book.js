/* What tools/print_book.py runs in the browser: the built pages, one after another, become
   one document for paper. */
window.printBook = {
  // Empty the first page, whose head has the styles and MathJax, down to a title and the
  // list of contents.
  async begin(pages) {
    this.pages = pages;
    await MathJax.startup.promise;
    MathJax.typesetClear();
    const contents = document.querySelector("nav.bd-links").cloneNode(true);
    for (const here of contents.querySelectorAll(".current")) here.classList.remove("current");
    const about = document.querySelector(".extra_footer").cloneNode(true);
    const title = document.createElement("header");
    const name = document.createElement("p");
    name.className = "book-title";
    name.textContent = document.title.split(" \u2014 ").at(-1);
    title.append(name, about, contents);
    this.parts = new Map();
    for (const caption of contents.querySelectorAll("p.caption"))
      for (const link of caption.nextElementSibling.querySelectorAll("a")) {
        const page = new URL(link.getAttribute("href"), location.href).href;
        this.parts.set(page, caption.textContent.trim());
      }
    this.body = document.createElement("main");
    this.body.className = "bd-article-container printed-book";
    this.body.append(title);
    document.body.replaceChildren(this.body);
    document.title = name.textContent;
    this.lead(title, location.href);
  },

  // Add the article of a page. The address is where its relative links start.
  add(html, address) {
    const parsed = new DOMParser().parseFromString(html, "text/html");
    const article = document.adoptNode(parsed.body.firstElementChild);
    this.fold(article);
    for (const one of article.querySelectorAll("[id]:not(svg [id])"))
      one.id = this.anchor(address, one.id);
    article.id = this.anchor(address, "");
    for (const image of article.querySelectorAll("img[src]"))
      image.src = new URL(image.getAttribute("src"), address).href;
    this.lead(article, address);
    const part = document.createElement("p");
    part.className = "book-part";
    part.textContent = this.parts.get(address) ?? "";
    article.prepend(part);
    this.body.append(article);
  },

  // Folded code is left out, and so are lists of records; what else is folded is shown.
  fold(article) {
    for (const one of article.querySelectorAll("button, script, noscript, .headerlink"))
      one.remove();
    for (const fold of article.querySelectorAll("details")) {
      const title = fold.querySelector("summary");
      title.remove();
      for (const code of fold.querySelectorAll(".cell_input")) code.remove();
      const words = fold.cloneNode(true);
      for (const code of words.querySelectorAll("div.highlight")) code.remove();
      const isCode = !words.textContent.trim() && !words.querySelector("img, table, svg");
      const hasOutput = fold.querySelector(".cell_output");
      const isRecords = /^The records\b|checksums/.test(title.textContent.trim());
      if (isRecords || (isCode && !hasOutput)) fold.remove();
      else fold.replaceWith(...this.opened(fold, title));
    }
  },

  // A fold's content below its title; that of a cell says only that something is hidden.
  opened(fold, title) {
    if (fold.closest("div.cell")) return [...fold.childNodes];
    const head = document.createElement("p");
    head.className = "book-fold";
    head.textContent = title.textContent.trim();
    return [head, ...fold.childNodes];
  },

  // Links to a page of the book lead to it on paper; to files beside the pages none can.
  lead(piece, address) {
    for (const link of piece.querySelectorAll("a[href]")) {
      const target = new URL(link.getAttribute("href"), address);
      if (target.protocol !== "file:") continue;
      const [file, place = ""] = target.href.split("#");
      if (this.pages.includes(file)) link.href = `#${this.anchor(file, place)}`;
      else link.replaceWith(...link.childNodes);
    }
  },

  // The name of a place on a page, unique in the book.
  anchor(address, id) {
    const page = new URL(address).pathname.split("/").at(-1).replace(/\.html$/, "");
    return id ? `${page}--${decodeURIComponent(id)}` : page;
  },

  // What went wrong, in words, once MathJax is done.
  async finish() {
    await MathJax.typesetPromise();
    await document.fonts.ready;
    const images = [...document.images];
    for (const image of images) image.loading = "eager";
    await Promise.allSettled(images.map((image) => image.decode()));
    const all = (pattern) => [...document.querySelectorAll(pattern)];
    const dead = all('a[href^="#"]').filter(
      (link) => !document.getElementById(decodeURIComponent(link.hash.slice(1))),
    );
    return [
      ...all(".math").filter((one) => !one.querySelector("mjx-container")).map(
        (one) => `a formula is not set: ${one.textContent.slice(0, 60)}`,
      ),
      ...all("mjx-merror").map((one) => `a formula is wrong: ${one.textContent}`),
      ...images.filter((one) => !one.naturalWidth).map((one) => `no image ${one.src}`),
      ...dead.map((link) => `no place ${link.hash}`),
    ];
  },
};
