// Fills in where a person stands, where the browser may know it.

export function here() {
  for (const button of document.querySelectorAll("[data-here]")) {
    button.hidden = !("geolocation" in navigator) || !window.isSecureContext;
    button.addEventListener("click", () => {
      const [lat, lon] = button.parentElement.querySelectorAll("input");
      navigator.geolocation.getCurrentPosition(
        ({ coords }) => {
          lat.value = coords.latitude.toFixed(6);
          lon.value = coords.longitude.toFixed(6);
        },
        () => { button.textContent = "Not known"; },
        { enableHighAccuracy: true, timeout: 15000 },
      );
    });
  }
}
