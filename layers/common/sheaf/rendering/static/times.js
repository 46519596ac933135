// Times as the reader's clock has them. Without this script they are in UTC, as they are on the site.

export const CLOCK = { hour: "2-digit", minute: "2-digit" };
const DAY_AND_CLOCK = { day: "numeric", month: "short", year: "numeric", ...CLOCK };

export function inWords(time, parts = DAY_AND_CLOCK) {
  return new Intl.DateTimeFormat("en-GB", parts).format(new Date(time));
}

export function showTime(element, time) {
  element.dateTime = new Date(time).toISOString();
  element.textContent = inWords(time);
}

// Some are told without their day, which stands above them: it is that of UTC.
for (const element of document.querySelectorAll("time[datetime*=T]")) {
  const time = new Date(element.dateTime);
  const isSameDay = time.getDate() === time.getUTCDate();
  const isClock = /^\d\d:\d\d UTC$/.test(element.textContent);
  element.title = element.textContent;
  element.textContent = inWords(time, isClock && isSameDay ? CLOCK : DAY_AND_CLOCK);
}
