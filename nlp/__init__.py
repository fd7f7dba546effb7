"""Netralitas: is a text about civil servants taking sides in an election, and what does it say?"""
