// While the server is away Streamlit locks the controls; when it is back it does not ask for the page
// again, though a move may have been lost on the way: the slider would stand where no picture is.

const onReturn = (heard) => {
  const app = document.querySelector('[data-testid=stApp]');
  let isHere = true;
  const observer = new MutationObserver(() => {
    const wasHere = isHere;
    isHere = app.dataset.testConnectionState === 'CONNECTED';
    if (isHere && !wasHere) heard();
  });
  if (app) observer.observe(app, { attributeFilter: ['data-test-connection-state'] });
  return () => observer.disconnect();
};
