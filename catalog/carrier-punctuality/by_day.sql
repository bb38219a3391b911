select flight_date, avg(is_on_time) as on_time, count(*) as flights
from flights
where flight_date between :from and :to
  and (:origin = 'all' or origin = :origin)
group by flight_date
order by flight_date
