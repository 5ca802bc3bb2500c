"""
The scripts that the server runs, each as one step: nobody else's comes in between.

All keys of a tenant have its id as hash tag, so that they lie on one node of a cluster. Instants
are whole microseconds, given by the caller: the shared clock's, not the server's. Lua's numbers
hold whole ones up to 2^53, and are written out in full, as ``tostring`` would round them.
"""

from typing import Final

_WHOLE: Final = "local function whole(n) return string.format('%.0f', n) end\n"

ASK: Final = (
    _WHOLE
    + """
-- KEYS used, holds (by expiry), amounts (by id), begun, charged (ids), lines
-- ARGV now, limit or '', amount, apart, per or '', id or '', expiry, life of holds (s),
--      life of begun (ms), '1' if what has lapsed costs
local used, holds, amounts, begun_key = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local now, amount, id = tonumber(ARGV[1]), tonumber(ARGV[3]), ARGV[6]
if id ~= '' and redis.call('HEXISTS', amounts, id) == 1 then return {'proceed'} end
for _, ended in ipairs(redis.call('ZRANGEBYSCORE', holds, '-inf', ARGV[1])) do
  local lapsed = redis.call('HGET', amounts, ended)
  redis.call('HDEL', amounts, ended)
  if ARGV[10] == '1' and lapsed and lapsed ~= '0' and redis.call('SADD', KEYS[5], ended) == 1 then
    redis.call('EXPIRE', KEYS[5], ARGV[8])
    redis.call('RPUSH', KEYS[6], ARGV[1] .. ' ' .. lapsed)
    redis.call('INCRBY', used, lapsed)
  end
end
redis.call('ZREMRANGEBYSCORE', holds, '-inf', ARGV[1])
if ARGV[2] ~= '' then
  local held = 0
  for _, each in ipairs(redis.call('HVALS', amounts)) do held = held + tonumber(each) end
  local so_far = tonumber(redis.call('GET', used) or '0')
  if so_far + held + amount > tonumber(ARGV[2]) then
    return {'exhausted', whole(so_far), whole(held)}
  end
end
if ARGV[5] ~= '' then
  local begun = math.max(tonumber(redis.call('GET', begun_key) or '0'), now)
  local over = begun + tonumber(ARGV[4]) - now - tonumber(ARGV[5])
  if over > 0 then return {'burst', whole(over)} end
  redis.call('SET', begun_key, whole(begun + tonumber(ARGV[4])), 'PX', ARGV[9])
end
if id ~= '' then
  redis.call('HSET', amounts, id, ARGV[3])
  redis.call('ZADD', holds, ARGV[7], id)
  redis.call('EXPIRE', amounts, ARGV[8])
  redis.call('EXPIRE', holds, ARGV[8])
end
return {'proceed'}
"""
)
"""
Refuse an ask, or let it through: keep its pace, and what it reserves if it has an id.

What has expired ends before, and is charged where that costs.
"""

CHARGE: Final = """
-- KEYS used, holds, amounts, charged (ids), lines     ARGV id, amount, at, life of charged (s)
local used, holds, amounts, charged, lines = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local id, amount = ARGV[1], ARGV[2]
redis.call('ZREM', holds, id)
redis.call('HDEL', amounts, id)
if amount == '0' or redis.call('SADD', charged, id) == 0 then return 0 end
redis.call('EXPIRE', charged, ARGV[4])
redis.call('RPUSH', lines, ARGV[3] .. ' ' .. amount)
return redis.call('INCRBY', used, amount)
"""
"""End a reservation, if there is one of the id, and add a line to the ledger, once for each id."""

STANDING: Final = (
    _WHOLE
    + """
-- KEYS used, holds, amounts     ARGV now, '1' if what has lapsed costs
local held, so_far = 0, tonumber(redis.call('GET', KEYS[1]) or '0')
for _, id in ipairs(redis.call('ZRANGEBYSCORE', KEYS[2], '(' .. ARGV[1], '+inf')) do
  held = held + tonumber(redis.call('HGET', KEYS[3], id) or '0')
end
if ARGV[2] == '1' then
  for _, id in ipairs(redis.call('ZRANGEBYSCORE', KEYS[2], '-inf', ARGV[1])) do
    so_far = so_far + tonumber(redis.call('HGET', KEYS[3], id) or '0')
  end
end
return {whole(so_far), whole(held)}
"""
)
"""Read what was used and what is held."""
