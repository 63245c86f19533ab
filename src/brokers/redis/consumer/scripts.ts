import { createHash } from "node:crypto";
import type { Argument, OpenConnection, Reply } from "../client.ts";
import { readFault } from "../errors.ts";

/**
 * A requeued entry stays in the pending list of its group, held by a consumer of this name. Its time of delivery is `parked`
 * milliseconds before the moment from which it may be delivered: so that moment is kept by the server, with the entry, and
 * one command both gives it back and delays it.
 */
export const requeuedConsumer = "tidelane:requeued";
export const parkedMs: number = 2 ** 40;
/** A consumer whose name begins so says when the group was last moved by a seek. It holds nothing. */
export const movedPrefix = "tidelane:moved:";

/** A script, run by its digest where the server has it. */
export class Script {
  readonly #text: string;
  readonly #digest: string;

  constructor(text: string) {
    this.#text = text;
    this.#digest = createHash("sha1").update(text).digest("hex");
  }

  async run(open: OpenConnection, keys: readonly string[], args: readonly Argument[]): Promise<Reply> {
    const rest = [String(keys.length), ...keys, ...args];
    try {
      return await open.call("EVALSHA", this.#digest, ...rest);
    } catch (error) {
      if (readFault(error).code !== "NOSCRIPT") throw error;
      return open.call("EVAL", this.#text, ...rest);
    }
  }
}

/** Every script begins with: stream, dead letter stream | group, consumer, most deliveries (0: any number). */
const prelude = `
local stream, letters = KEYS[1], KEYS[2]
local group, me, most = ARGV[1], ARGV[2], tonumber(ARGV[3])
local now = (function() local t = redis.call('TIME') return t[1] * 1000 + math.floor(t[2] / 1000) end)()

local function held(id)
  local found = redis.call('XPENDING', stream, group, id, id, 1, me)[1]
  return found and found[4]
end

local function set_aside(id, count, reason)
  local entry = redis.call('XRANGE', stream, id, id)[1]
  if entry then
    local facts = { ['x-tidelane-dead-letter-reason'] = reason, ['x-tidelane-dead-letter-source'] = stream,
      ['x-tidelane-dead-letter-attempts'] = tostring(count) }
    local fields = {}
    for i = 1, #entry[2], 2 do
      if not facts[entry[2][i]] then
        fields[#fields + 1] = entry[2][i]
        fields[#fields + 1] = entry[2][i + 1]
      end
    end
    for name, value in pairs(facts) do
      fields[#fields + 1] = name
      fields[#fields + 1] = value
    end
    redis.call('XADD', letters, '*', unpack(fields))
  end
  redis.call('XACK', stream, group, id)
end

local function park(id, count, delay)
  redis.call('XCLAIM', stream, group, '${requeuedConsumer}', 0, id,
    'TIME', string.format('%.0f', now + delay - ${parkedMs}), 'RETRYCOUNT', count, 'JUSTID')
end

local function spent(id, count)
  if most == 0 or count < most then return false end
  set_aside(id, count, 'it was delivered ' .. count .. ' times')
  return true
end
`;

/** ... | id, count, delay, ... Answers 1 for each that was held, 0 for the others. */
export const requeueScript: Script = new Script(`${prelude}
local answers = {}
for i = 4, #ARGV, 3 do
  local count = held(ARGV[i])
  if count == tonumber(ARGV[i + 1]) then
    if not spent(ARGV[i], count) then park(ARGV[i], count, tonumber(ARGV[i + 2])) end
    answers[#answers + 1] = 1
  else answers[#answers + 1] = 0 end
end
return answers`);

/** ... | id, count, ... Answers 1 for each that was held, 0 for the others. */
export const dropScript: Script = new Script(`${prelude}
local answers = {}
for i = 4, #ARGV, 2 do
  local count = held(ARGV[i])
  if count == tonumber(ARGV[i + 1]) then
    set_aside(ARGV[i], count, 'it was dropped')
    answers[#answers + 1] = 1
  else answers[#answers + 1] = 0 end
end
return answers`);

/** ... | id, count, ... Begins their ack deadlines again. Answers 1 for each that was held, 0 for the others. */
export const renewScript: Script = new Script(`${prelude}
local answers = {}
for i = 4, #ARGV, 2 do
  if held(ARGV[i]) == tonumber(ARGV[i + 1]) then
    redis.call('XCLAIM', stream, group, me, 0, ARGV[i], 'JUSTID')
    answers[#answers + 1] = 1
  else answers[#answers + 1] = 0 end
end
return answers`);

/** ... | ids that nobody was handed, .... Gives back all this consumer holds, and deletes it. */
export const leaveScript: Script = new Script(`${prelude}
for i = 4, #ARGV do
  local count = held(ARGV[i])
  if count then park(ARGV[i], math.max(count - 1, 0), 0) end
end
while true do
  local pending = redis.call('XPENDING', stream, group, '-', '+', 500, me)
  for _, entry in ipairs(pending) do
    if not spent(entry[1], entry[4]) then park(entry[1], entry[4], 0) end
  end
  if #pending < 500 then break end
end
redis.call('XGROUP', 'DELCONSUMER', stream, group, me)
return 1`);

/**
 * ... | ack deadline, room. Takes over what was given back, and what nobody settled in time. Answers the consumer that tells of
 * a seek, and id, count, fields for each entry.
 */
export const claimScript: Script = new Script(`${prelude}
local deadline, room = tonumber(ARGV[4]), tonumber(ARGV[5])
local moved, answer = '', {}

local function take(name, idle)
  while room > 0 do
    local pending = redis.call('XPENDING', stream, group, 'IDLE', string.format('%.0f', idle), '-', '+', math.min(room, 500), name)
    for _, found in ipairs(pending) do
      local id, count = found[1], found[4]
      if not spent(id, count) then
        local entry = redis.call('XCLAIM', stream, group, me, 0, id)[1]
        if entry then
          answer[#answer + 1] = { id, count + 1, entry[2] }
          room = room - 1
        else redis.call('XACK', stream, group, id) end
      end
    end
    if #pending == 0 then return end
  end
end

local others = {}
for _, about in ipairs(redis.call('XINFO', 'CONSUMERS', stream, group)) do
  local name, pending = about[2], about[4]
  if string.sub(name, 1, ${movedPrefix.length}) == '${movedPrefix}' then moved = name
  elseif pending > 0 then
    if name == '${requeuedConsumer}' then take(name, ${parkedMs}) else others[#others + 1] = name end
  end
end
for _, name in ipairs(others) do take(name, deadline) end
return { moved, answer }`);

/** ... | last id the group has had, mark. Moves the group, and nobody holds anything of it any more. */
export const moveScript: Script = new Script(`${prelude}
for _, about in ipairs(redis.call('XINFO', 'CONSUMERS', stream, group)) do
  redis.call('XGROUP', 'DELCONSUMER', stream, group, about[2])
end
redis.call('XGROUP', 'CREATECONSUMER', stream, group, ARGV[5])
redis.call('XGROUP', 'SETID', stream, group, ARGV[4])
return 1`);

/** ... | ids, ... Takes all this consumer holds beside them. Answers id, count, fields for each entry. */
export const reclaimScript: Script = new Script(`${prelude}
local known, answer, from = {}, {}, '-'
for i = 4, #ARGV do known[ARGV[i]] = true end
while true do
  local pending = redis.call('XPENDING', stream, group, from, '+', 500, me)
  for _, found in ipairs(pending) do
    local id, count = found[1], found[4]
    if not known[id] and not spent(id, count) then
      local entry = redis.call('XCLAIM', stream, group, me, 0, id)[1]
      if entry then answer[#answer + 1] = { id, count + 1, entry[2] } else redis.call('XACK', stream, group, id) end
    end
    from = '(' .. id
  end
  if #pending < 500 then return answer end
end`);
