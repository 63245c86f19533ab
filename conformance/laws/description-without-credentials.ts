import { isDescribing } from "../abilities.ts";
import { scenario } from "../engine/scenario.ts";
import { fc } from "../fast-check.ts";
import type { Law } from "../law.ts";

const law = ["description-without-credentials"] as const;

/** A user and password as they stand in a URL. */
const userInfo = /[^\s/@:]+:[^\s/@]*@/;

export const descriptionWithoutCredentials: Law = {
  name: "description-without-credentials",
  promise: "The name and the description of a broker hold no credential.",
  effort: 0,
  property: scenario(({ fixture }) => ({
    cases: fc.constant(undefined),
    play: async (stage) => {
      const { connection } = await stage.connect();
      const said: [where: string, text: string][] = [["the name of the broker", stage.broker.name]];
      if (isDescribing(connection)) {
        const described = connection.describe();
        said.push(["describe()", JSON.stringify(described)]);
        if (described.protocol === "" || described.address === "") {
          stage.violate(
            law,
            "describe() names no protocol or no address",
            "it says where the connection leads",
          );
        }
      }
      for (const [where, text] of said) {
        const found = (fixture.secrets ?? []).some((secret) => text.includes(secret)) || userInfo.test(text);
        if (found) stage.violate(law, `${where} holds a credential`, "it does not");
      }
    },
  })),
};
