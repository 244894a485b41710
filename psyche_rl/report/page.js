// Sections fold; a link of the contents opens what it leads to. On a narrow screen all but the result begin closed.
(() => {
  const sections = [...document.querySelectorAll("section > details")];
  if (matchMedia("(max-width: 40rem)").matches) {
    for (const section of sections.slice(1)) section.open = false;
    for (const group of document.querySelectorAll("details.group")) group.open = false;
  }
  const open = () => {
    const target = location.hash.length > 1 && document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (!target) return;
    for (const box of [target.querySelector(":scope > details"), target.closest("details")]) if (box) box.open = true;
    target.scrollIntoView();
  };
  addEventListener("hashchange", open);
  document.querySelector("nav.contents").addEventListener("click", (event) => {
    if (event.target.closest("a")) setTimeout(open); // also where the address already ends in it
  });
  open();
})();
