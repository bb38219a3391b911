-- The most and the least punctual airline, of those with enough flights to say so.
with shares as (
  select airlines.name as airline, avg(is_on_time) as on_time
  from flights
  join airlines on airlines.carrier = flights.carrier
  where flight_date between :from and :to
    and (:origin = 'all' or origin = :origin)
  group by airlines.name
  having count(*) >= 100
)
select
  best.airline as best_airline,
  printf('%.1f%%', 100 * best.on_time) as best_share,
  worst.airline as worst_airline,
  printf('%.1f%%', 100 * worst.on_time) as worst_share
from (select * from shares order by on_time desc, airline limit 1) as best
cross join (select * from shares order by on_time, airline limit 1) as worst
