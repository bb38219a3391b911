select
  airlines.name as airline,
  count(*) as flights,
  avg(is_on_time) as on_time,
  avg(departure_delay) as departure_delay,
  avg(arrival_delay) as arrival_delay,
  sum(is_cancelled) as cancelled_flights,
  avg(is_cancelled) as cancelled
from flights
join airlines on airlines.carrier = flights.carrier
where flight_date between :from and :to
  and (:origin = 'all' or origin = :origin)
group by airlines.name
order by on_time desc, airline
