// Times as the reader's clock has them. Without this script they are in UTC, as they are on the site.

const DAY = { day: "numeric", month: "short", year: "numeric" };
const CLOCK = { hour: "2-digit", minute: "2-digit" };

// Some are told without their day, which stands above them: it is that of UTC.
for (const element of document.querySelectorAll("time[datetime*=T]")) {
  const time = new Date(element.dateTime);
  const isSameDay = time.getDate() === time.getUTCDate();
  const isClock = /^\d\d:\d\d UTC$/.test(element.textContent);
  const parts = isClock && isSameDay ? CLOCK : { ...DAY, ...CLOCK };
  element.title = element.textContent;
  element.textContent = new Intl.DateTimeFormat("en-GB", parts).format(time);
}
