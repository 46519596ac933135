// The pixels of a picture (PNG in base64) in the 256 colours that most of them have. Of any other
// colour, which only edges of letters have, the nearest of these is taken.

async (png) => {
  const image = new Image();
  image.src = `data:image/png;base64,${png}`;
  await image.decode();
  const { width, height } = image;
  const canvas = new OffscreenCanvas(width, height).getContext("2d");
  canvas.drawImage(image, 0, 0);
  const pixels = new Uint32Array(canvas.getImageData(0, 0, width, height).data.buffer);

  const counts = new Map();
  for (const pixel of pixels) counts.set(pixel, (counts.get(pixel) ?? 0) + 1);
  const colours = [...counts.keys()].sort((a, b) => counts.get(b) - counts.get(a));
  const palette = colours.slice(0, 256).map(parts);
  const places = new Map(colours.map((colour) => [colour, nearest(parts(colour))]));
  const indexes = Uint8Array.from(pixels, (pixel) => places.get(pixel));
  return { width, height, palette: palette.flat(), indexes: indexes.toBase64() };

  function parts(colour) {
    return [colour & 255, (colour >> 8) & 255, (colour >> 16) & 255];
  }

  function nearest(wanted) {
    const distances = palette.map((each) => each.reduce((sum, part, i) => sum + (part - wanted[i]) ** 2, 0));
    return distances.indexOf(Math.min(...distances));
  }
}
