-- Average departures a day, by the hour of the schedule.
with days as (
  select count(distinct flight_date) as number
  from flights
  where origin = :airport and flight_date between :from and :to
)
select
  printf('%02d:00', scheduled_hour) as hour,
  1.0 * sum(departure_delay < 15) / (select number from days) as punctual,
  1.0 * sum(departure_delay >= 15) / (select number from days) as late,
  1.0 * sum(is_cancelled) / (select number from days) as cancelled
from flights
where origin = :airport and flight_date between :from and :to
group by scheduled_hour
order by scheduled_hour
