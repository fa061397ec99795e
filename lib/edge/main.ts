throw new Error('the edge is not here yet');
