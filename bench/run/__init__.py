"""From a request to records: plan, jobs, sweep, evaluation, cost; training; figures again."""
