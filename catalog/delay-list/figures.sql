select
  count(case when departure_delay >= :minimum_delay then 1 end) as delayed,
  avg(departure_delay >= :minimum_delay) as share,
  avg(case when departure_delay >= :minimum_delay then departure_delay end) as average_delay,
  min(count(case when departure_delay >= :minimum_delay then 1 end), :rows) as listed
from flights
where flight_date between :from and :to
  and (:origin = 'all' or origin = :origin)
  and (:carrier = 'all' or carrier = :carrier)
