import type { Clock } from "../../traits/clock.ts";
import type { CheckedMessage } from "../../traits/outgoing.ts";
import { Group } from "./group.ts";
import { checkSameSettings, settingsOf } from "./group-settings.ts";
import type { SubscribeOptions, TopicOptions } from "./options.ts";
import { inboxPrefix, type Pattern } from "./pattern.ts";
import { Topic } from "./topic.ts";

/** What all connections of one broker share: its topics, the groups over them, and the inboxes of requests. */
export class Bus {
  readonly clock: Clock;
  readonly #optionsOf: (topic: string) => TopicOptions | undefined;
  readonly #topics = new Map<string, Topic>();
  /** Named groups: by what they subscribe to, then by name. */
  readonly #topicGroups = new Map<string, Map<string, Group>>();
  readonly #patternGroups = new Map<string, Map<string, Group>>();
  /** Every group over a pattern: a topic that is used for the first time joins those it matches. */
  readonly #patterns = new Map<Group, Pattern>();
  readonly #inboxes = new Map<string, (reply: CheckedMessage) => void>();
  #order = 0;
  #lastInbox = 0;

  constructor(clock: Clock, optionsOf: (topic: string) => TopicOptions | undefined) {
    this.clock = clock;
    this.#optionsOf = optionsOf;
  }

  nextOrder(): number {
    this.#order += 1;
    return this.#order;
  }

  /** A topic exists from its first use. */
  topic(name: string): Topic {
    const known = this.#topics.get(name);
    if (known !== undefined) return known;
    const topic = new Topic(name, this, this.#optionsOf(name));
    this.#topics.set(name, topic);
    for (const [group, pattern] of this.#patterns) if (pattern.matches(name)) topic.attach(group);
    return topic;
  }

  /** The topic a message goes to; undefined for a reply, which goes to its request. */
  destination(name: string): Topic | undefined {
    return name.startsWith(inboxPrefix) ? undefined : this.topic(name);
  }

  /** Without a look at the room there is. A reply nobody waits for is gone. */
  send(message: CheckedMessage): void {
    const topic = this.destination(message.topic);
    if (topic === undefined) this.#inboxes.get(message.topic)?.(message);
    else topic.append(message);
  }

  openInbox(onReply: (reply: CheckedMessage) => void): string {
    this.#lastInbox += 1;
    const name = `${inboxPrefix}${this.#lastInbox}`;
    this.#inboxes.set(name, onReply);
    return name;
  }

  closeInbox(name: string): void {
    this.#inboxes.delete(name);
  }

  groupOfTopic(topic: Topic, options: SubscribeOptions): Group {
    return this.#group(this.#topicGroups, topic.name, options, (named) => {
      const onDeserted = named ? undefined : (): void => topic.detach(group);
      const group: Group = new Group(settingsOf(this, options), this.clock, onDeserted);
      topic.attach(group);
      if (options.from === "start") group.replace(() => topic.log?.from(1) ?? [], "");
      return group;
    });
  }

  groupOfPattern(pattern: Pattern, options: SubscribeOptions): Group {
    return this.#group(this.#patternGroups, pattern.text, options, (named) => {
      const onDeserted = named ? undefined : (): void => this.#forget(group);
      const group: Group = new Group(settingsOf(this, options), this.clock, onDeserted);
      const topics = [...this.#topics.values()].filter((topic) => pattern.matches(topic.name));
      for (const topic of topics) topic.attach(group);
      this.#patterns.set(group, pattern);
      if (options.from === "start") {
        const retained = topics.flatMap((topic) => topic.log?.from(1) ?? []);
        group.replace(() => retained.sort((a, b) => a.order - b.order), "");
      }
      return group;
    });
  }

  #group(
    named: Map<string, Map<string, Group>>,
    over: string,
    options: SubscribeOptions,
    create: (named: boolean) => Group,
  ): Group {
    if (options.group === undefined) return create(false);
    const groups = named.get(over) ?? new Map<string, Group>();
    named.set(over, groups);
    const known = groups.get(options.group);
    if (known !== undefined) {
      checkSameSettings(known.settings, options, `the group "${options.group}" of "${over}"`);
      return known;
    }
    const group = create(true);
    groups.set(options.group, group);
    return group;
  }

  /** Of a group over a pattern. */
  #forget(group: Group): void {
    this.#patterns.delete(group);
    for (const topic of this.#topics.values()) topic.detach(group);
  }
}
