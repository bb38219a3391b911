select
  scheduled_departure,
  flight_number as flight,
  airlines.name as airline,
  origin,
  destination,
  airports.name as destination_name,
  departure_delay,
  arrival_delay
from flights
join airlines on airlines.carrier = flights.carrier
-- Some airports of the Caribbean are not in the list.
left join airports on airports.faa = flights.destination
where flight_date between :from and :to
  and departure_delay >= :minimum_delay
  and (:origin = 'all' or origin = :origin)
  and (:carrier = 'all' or flights.carrier = :carrier)
order by departure_delay desc, scheduled_departure, flight
limit :rows
