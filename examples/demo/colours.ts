/** For the busiest packages, apart from each other and from the red of a failure. */
export const strongColours: readonly string[] = [
  "#2f6fb7",
  "#f0902e",
  "#2f9e62",
  "#8d62c9",
  "#d9b310",
  "#17a6b8",
  "#8a5a44",
  "#dd77b8",
  "#7f8c1f",
  "#34495e",
];

/** The turn of the hue that keeps any number of successive colours apart, in degrees. */
const goldenAngle = 137.508;

/** A colour of its own for every package: strong for the first ones given, pale for the rest. */
export function colourPackages(busiestFirst: readonly string[]): Map<string, string> {
  return new Map(busiestFirst.map((name, index) => [name, strongColours[index] ?? paleColour(index)]));
}

function paleColour(index: number): string {
  return toHex((index * goldenAngle) % 360, 0.34, 0.74 + 0.03 * (index % 4));
}

/** @param hue 0 to 360; @param saturation 0 to 1; @param lightness 0 to 1 */
export function toHex(hue: number, saturation: number, lightness: number): string {
  const reach = saturation * Math.min(lightness, 1 - lightness);
  const channel = (offset: number): string => {
    const turn = (offset + hue / 30) % 12;
    const value = lightness - reach * Math.max(-1, Math.min(turn - 3, 9 - turn, 1));
    return Math.round(value * 255)
      .toString(16)
      .padStart(2, "0");
  };
  return `#${channel(0)}${channel(8)}${channel(4)}`;
}
