with days as (
  select
    flight_date,
    count(*) as departures,
    sum(is_cancelled) as cancelled_flights,
    avg(departure_delay >= 15) as late,
    avg(departure_delay) as delay
  from flights
  where origin = :airport and flight_date between :from and :to
  group by flight_date
),
skies as (
  select
    weather_date,
    min(temperature_c) as coolest_c,
    max(temperature_c) as warmest_c,
    sum(rain_mm) as rain_mm,
    max(wind_kmh) as wind_kmh
  from hourly_weather
  where origin = :airport and weather_date between :from and :to
  group by weather_date
)
select days.*, coolest_c, warmest_c, rain_mm, wind_kmh
from days
left join skies on skies.weather_date = days.flight_date
order by flight_date
