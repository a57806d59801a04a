"""Work on numbers, objects, programs and tasks as programs have them: the other half of what `documents` is."""

import bisect
import collections
import functools
import gc
import heapq
import io
import math
import operator
import random
import statistics

from texts import RECORDS, sources

SOME = random.Random(3)


class Vector:
    """A small object with operators, as programs have many."""

    __slots__ = ("x", "y")

    def __init__(self, x, y):
        self.x, self.y = x, y

    def __add__(self, other):
        return Vector(self.x + other.x, self.y + other.y)

    def __eq__(self, other):
        return isinstance(other, Vector) and (self.x, self.y) == (other.x, other.y)

    def __hash__(self):
        return hash((self.x, self.y))

    @property
    def length(self):
        return math.sqrt(self.x * self.x + self.y * self.y)


def numbers():
    points = [Vector(SOME.random(), SOME.random()) for _ in range(3000)]
    functools.reduce(operator.add, points)
    sorted(points, key=lambda point: point.length), {point: number for number, point in enumerate(points)}
    values = [SOME.gauss(0, 1) for _ in range(3000)]
    sorted(values), sum(values), max(values), statistics.pstdev(values[:300]), math.fsum(values)
    [format(value, ".3f") for value in values], [float(repr(value)) for value in values], [round(value, 2) for value in values]
    [int(str(number)) for number in range(0, 10**7, 2503)], [number * number % 97 for number in range(5000)]
    3**2000 % 10**200, str(7**800), divmod(11**400, 13**200), math.factorial(300), [math.sin(value) for value in values]
    queue = []
    for value in values:
        heapq.heappush(queue, value)
        bisect.insort(queue[:50], value)
    while queue:
        heapq.heappop(queue)
    SOME.shuffle(values), SOME.sample(range(10000), 200), [SOME.randrange(1000) for _ in range(2000)]
    grid = [[(row * column) % 7 for column in range(60)] for row in range(60)]
    [list(column) for column in zip(*grid)], sum(sum(row) for row in grid)
    last = collections.deque(maxlen=100)
    groups = collections.defaultdict(list)
    for number in range(5000):
        last.append(number)
        groups[number % 17].append(number)


def programs():
    import ast
    import tokenize

    for text in sources():
        compile(ast.parse(text), "program", "exec")
        for _ in tokenize.generate_tokens(io.StringIO(text).readline):
            pass


def tasks():
    import asyncio

    async def reader(queue, number):
        while number:
            await queue.get()
            number -= 1

    async def writer(queue, number):
        for one in range(number):
            await queue.put(one)
            await asyncio.sleep(0)

    async def both():
        queue = asyncio.Queue(20)
        await asyncio.gather(*(reader(queue, 500) for _ in range(5)), *(writer(queue, 500) for _ in range(5)))

    asyncio.run(both())


class Node:
    """What refers to others in circles, as elements of a page or rows of a mapper do."""

    def __init__(self, parent):
        self.parent, self.children, self.named = parent, [], {"parent": parent}


def circles():
    nodes = [Node(None)]
    for number in range(1, 4000):
        parent = nodes[number // 3]
        node = Node(parent)
        parent.children.append(node)
        nodes.append(node)
    for _ in range(10):
        gc.collect()
    nodes.clear()
    del node, parent
    gc.collect()


class Tree:
    """A binary tree that is walked by generators, one in the other."""

    def __init__(self, values):
        middle = len(values) // 2
        self.value = values[middle]
        self.left = Tree(values[:middle]) if middle else None
        self.right = Tree(values[middle + 1 :]) if values[middle + 1 :] else None

    def __iter__(self):
        if self.left:
            yield from self.left
        yield self.value
        if self.right:
            yield from self.right

    def find(self, value):
        """The node that has it; KeyError when none has."""
        if value == self.value:
            return self
        branch = self.left if value < self.value else self.right
        if branch is None:
            raise KeyError(value)
        return branch.find(value)


def chains():
    tree = Tree(range(500))
    for _ in range(10):
        sum(tree), sum(value * value for value in tree if value % 3), max(map(str, filter(None, tree)))
    for value in range(-100, 600):
        try:
            tree.find(value)
        except KeyError as error:
            str(error)


def mappings():
    by_name = {one["name"]: one for one in RECORDS}
    for _ in range(10):
        for name, one in by_name.items():
            {**one, "name": name}.get("text"), one.get("nothing"), list(one.values()), dict(one, more=1).pop("more")
        seen, odd = {one["id"] for one in RECORDS}, set(range(1, 3000, 2))
        seen & odd, seen - odd, seen | odd, seen.isdisjoint(odd), odd.issuperset(seen), frozenset(map(str, odd))


# What is done, and how often: about a tenth of a second each, without counting
WORK = {numbers: 8, circles: 5, chains: 20, mappings: 20, programs: 1, tasks: 3}
