// A finger on a picture scrolls the page up and down and moves the cursor from side to side; a tap is
// a click. Plotly would zoom at every touch, and on a tablet that the picture fills a reader would be
// caught in it.
const touchable = (node) => {
  const left = new AbortController();
  node.addEventListener('touchstart', (event) => event.stopPropagation(), { capture: true, passive: true, signal: left.signal });
  return () => left.abort();
};

const SLACK = { mouse: 4, pen: 8, touch: 12 }; // px that a click may wander
const isClick = ({ clientX, clientY, pointerType }, down) =>
  down !== null && Math.hypot(clientX - down[0], clientY - down[1]) < (SLACK[pointerType] ?? SLACK.mouse);
