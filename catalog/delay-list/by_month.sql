select substr(flight_date, 1, 7) as month, count(*) as delayed
from flights
where flight_date between :from and :to
  and departure_delay >= :minimum_delay
  and (:origin = 'all' or origin = :origin)
  and (:carrier = 'all' or carrier = :carrier)
group by substr(flight_date, 1, 7)
order by month
