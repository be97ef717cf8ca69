"""What one would write without metabrm: a stock Django REST framework application.

Its table equals the product's (see `bench.installation`); it keeps no history and answers a bulk
request as a whole, so it does less for each record than the product does.
"""
