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
  const used = new Set<string>();
  let turn = 0;
  const unusedPale = (): string => {
    // Some turns come out at a colour there is already. With thousands of packages it is taken again in the end.
    const last = turn + 20;
    while (turn < last && used.has(paleColour(turn))) turn += 1;
    return paleColour(turn);
  };
  return new Map(
    busiestFirst.map((name, index) => {
      const colour = strongColours[index] ?? unusedPale();
      used.add(colour);
      return [name, colour];
    }),
  );
}

// The periods have no common divisor, so that neighbours differ in more than their hue.
function paleColour(turn: number): string {
  return toHex((turn * goldenAngle) % 360, 0.28 + 0.03 * (turn % 5), 0.72 + 0.014 * (turn % 11));
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
