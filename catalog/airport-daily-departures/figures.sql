-- One row: the period, and beside it the period of the same length that ends on the day before.
with bounds as (
  select date(:from, '-' || (julianday(:to) - julianday(:from) + 1) || ' days') as first_day_before
),
chosen as (
  select flights.*, flight_date >= :from as is_now
  from flights
  where origin = :airport
    and flight_date between (select first_day_before from bounds) and :to
)
select
  count(case when is_now then 1 end) as departures,
  avg(case when is_now then departure_delay >= 15 end) as late,
  avg(case when is_now then departure_delay end) as delay,
  avg(case when is_now then is_cancelled end) as cancelled,
  count(case when not is_now then 1 end) as departures_before,
  avg(case when not is_now then departure_delay >= 15 end) as late_before,
  avg(case when not is_now then departure_delay end) as delay_before,
  avg(case when not is_now then is_cancelled end) as cancelled_before
from chosen
