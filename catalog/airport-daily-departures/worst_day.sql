with worst as (
  select
    flight_date,
    round(avg(departure_delay)) as delay,
    sum(is_cancelled) as cancelled_flights
  from flights
  where origin = :airport and flight_date between :from and :to
  group by flight_date
  order by avg(departure_delay) desc
  limit 1
)
select
  airports.name as airport_name,
  worst.flight_date,
  -- For the text: 10 Jul 2013.
  cast(substr(flight_date, 9, 2) as integer) || ' '
    || substr('JanFebMarAprMayJunJulAugSepOctNovDec', 3 * cast(substr(flight_date, 6, 2) as integer) - 2, 3) || ' '
    || substr(flight_date, 1, 4) as day,
  cast(delay as integer) as delay,
  cancelled_flights,
  (select round(sum(rain_mm), 1) from hourly_weather
   where origin = :airport and weather_date = worst.flight_date) as rain,
  (select cast(round(max(wind_kmh)) as integer) from hourly_weather
   where origin = :airport and weather_date = worst.flight_date) as wind
from airports
left join worst on true
where airports.faa = :airport
