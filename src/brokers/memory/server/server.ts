import type { Clock } from "../../../traits/clock.ts";
import type { CheckedMessage } from "../../../traits/outgoing.ts";
import { readsAll, type SubscribeOptions, type TopicOptions } from "../options/options.ts";
import { inboxPrefix, type Pattern } from "../options/pattern.ts";
import { Group, type GroupServer } from "./group.ts";
import { checkSameSettings, settingsOf } from "./group-settings.ts";
import { Topic, type TopicServer } from "./topic.ts";

/** While there are more topics, those that nobody would miss are forgotten. */
const keptTopics = 1024;

/** What all connections of one memory broker share: its topics, the groups over them, and the inboxes of requests. */
export class MemoryServer implements GroupServer, TopicServer {
  readonly clock: Clock;
  readonly #optionsOf: (topic: string) => TopicOptions | undefined;
  readonly #topics = new Map<string, Topic>();
  /** Named groups: by what they subscribe to, then by name. */
  readonly #topicGroups = new Map<string, Map<string, Group>>();
  readonly #patternGroups = new Map<string, Map<string, Group>>();
  /** Every group over a pattern: a topic that is used for the first time joins those it matches. */
  readonly #patterns = new Map<Group, Pattern>();
  readonly #inboxes = new Map<string, (reply: CheckedMessage) => void>();
  /** So many topics are looked through for those to forget. Twice what was left: then a look costs little for each. */
  #manyTopics = keptTopics;
  #order = 0;
  #lastInbox = 0;
  readonly #maxUnread: number;
  unread = 0;

  constructor(
    clock: Clock,
    optionsOf: (topic: string) => TopicOptions | undefined,
    maxUnread: number = Number.POSITIVE_INFINITY,
  ) {
    this.clock = clock;
    this.#maxUnread = maxUnread;
    this.#optionsOf = optionsOf;
  }

  get fullOfUnread(): boolean {
    return this.unread >= this.#maxUnread;
  }

  nextOrder(): number {
    this.#order += 1;
    return this.#order;
  }

  find(name: string): Topic | undefined {
    return this.#topics.get(name);
  }

  /** A topic exists from its first use. */
  topic(name: string): Topic {
    const known = this.#topics.get(name);
    if (known !== undefined) return known;
    if (this.#topics.size >= this.#manyTopics) this.#forgetIdle();
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

  /** For what has nobody to wait for room: says once of a topic that it holds more than it should. */
  sendAnyway(message: CheckedMessage): void {
    this.send(message);
    this.find(message.topic)?.warnWhenOverfull();
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
      const group: Group = new Group(this, settingsOf(options), named, () => topic.detach(group));
      topic.attach(group);
      start(group, [topic], options);
      return group;
    });
  }

  groupOfPattern(pattern: Pattern, options: SubscribeOptions): Group {
    return this.#group(this.#patternGroups, pattern.text, options, (named) => {
      const group: Group = new Group(this, settingsOf(options), named, () => {
        this.#patterns.delete(group);
        for (const topic of this.#topics.values()) topic.detach(group);
      });
      const topics = [...this.#topics.values()].filter((topic) => pattern.matches(topic.name));
      for (const topic of topics) topic.attach(group);
      this.#patterns.set(group, pattern);
      start(group, topics, options);
      return group;
    });
  }

  /** Whether there was one. What only it had still to settle is gone. */
  deleteGroup(over: string, name: string): boolean {
    const named = this.#topicGroups.get(over)?.has(name) ? this.#topicGroups : this.#patternGroups;
    const groups = named.get(over);
    const group = groups?.get(name);
    group?.delete(name);
    groups?.delete(name);
    if (groups?.size === 0) named.delete(over);
    return group !== undefined;
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

  /** If only groups over patterns read a forgotten topic, its next message creates it again, and they are attached to it. */
  #forgetIdle(): void {
    for (const [name, topic] of this.#topics) {
      if (topic.idle && topic.groups.every((group) => this.#patterns.has(group))) this.#topics.delete(name);
    }
    this.#manyTopics = Math.max(keptTopics, 2 * this.#topics.size);
  }
}

/** Gives a new group what is there for it, in the order of publish. */
function start(group: Group, topics: readonly Topic[], options: SubscribeOptions): void {
  if (options.from === "new") return;
  const backlog = topics.flatMap((topic) => [...topic.backlog(readsAll(options))]);
  for (const stored of backlog.sort((a, b) => a.order - b.order)) {
    stored.topic.own(stored);
    group.offer(stored);
  }
  for (const topic of topics) topic.claimed();
}
